#pragma once

#include <nghttp2/nghttp2.h>

#include <string>
#include <string_view>
#include <vector>

#include "lib/http/head.h"
#include "lib/http2/limits.h"
#include "lib/io/buffer.h"

// Message heads between HTTP/1.1 text and HTTP/2 field lists (RFC 9113 section 8). Bytes in, bytes out; the
// rules of HTTP/2 messaging themselves are enforced by nghttp2.
namespace tulle::http2 {

// Fields for nghttp2_submit_*, which copies what it is given. The views of `list` hold until the list is made
// anew.
struct FieldList {
  std::vector<nghttp2_nv> list;
  std::string path;
  char status[3];

  void Add(std::string_view name, std::string_view value);
  void AddPseudo(std::string_view static_name, std::string_view value);
};

// Hop-by-hop headers stay behind; nghttp2 lower-cases the names.
void MakeRequestFields(const http::RequestHead& head, FieldList& out);
void MakeResponseFields(const http::ResponseHead& head, FieldList& out);
// `lines` is what BodyDecoder let pass as trailers.
void MakeTrailerFields(std::string_view lines, FieldList& out);

// One field block as HPACK gives it, field by field, until all of it is there and becomes text.
class FieldBlock {
 public:
  // What may not be a trailer in HTTP/1.1 is left out of trailers.
  void Start(bool trailers);
  void Add(std::string_view name, std::string_view value);
  // Holds no memory after this until the next Start.
  void Drop();

  // Null, or why this block cannot become a head: the words of x-tulle-reason.
  const char* why() const { return why_; }
  int reply() const { return reply_; }  // the status code that suits it
  // So much larger than a head may be that it cannot be a mistake.
  bool excessive() const { return bytes_ > kExcessiveHeaderListBytes; }

  std::string_view method() const { return method_; }
  std::string_view status() const { return status_; }

  // How the text that follows says where the body ends.
  enum class Framing { kNone, kLength, kChunked };
  // `ended`: no body follows. A head that announces trailers is chunked whatever its length, since HTTP/1.1
  // has no other way to carry them.
  Framing AppendRequest(io::Buffer& out, bool ended) const;
  Framing AppendResponse(io::Buffer& out, bool ended, bool head_request) const;
  // Of trailers; without the empty line at the end.
  std::string_view lines() const { return fields_.view(); }

 private:
  void AddPseudo(std::string_view name, std::string_view value);
  Framing AppendFields(io::Buffer& out, bool ended, bool bodiless) const;
  void Refuse(const char* why, int reply);

  std::string method_, path_, authority_, host_, status_, length_;
  io::Buffer fields_;   // "name: value\r\n" each
  io::Buffer cookies_;  // crumbs, joined
  bool trailers_ = false;
  bool has_host_ = false;
  bool has_trailer_ = false;
  size_t count_ = 0;
  size_t bytes_ = 0;
  const char* why_ = nullptr;
  int reply_ = 400;
};

}  // namespace tulle::http2
