#pragma once

#include <functional>
#include <memory>

#include "lib/http2/session.h"

namespace tulle::http2 {

// A connection to a server. Open gives a stream to which exactly one HTTP/1.1 request is written and from
// which its HTTP/1.1 response is read, interim ones before it; then kEof. The response is chunked where its
// length was not given. Destroying a stream before all of that, or after ResetOnClose, resets it.
//
// Reads and writes of a stream at which the server provably never looked end with kUnprocessed.
class ClientSession final : public Session {
 public:
  using Room = std::function<void(size_t streams)>;

  // `room`: called when there is room for so many more streams, or somebody else has to make room; it starts
  // something later, and calls nothing here.
  explicit ClientSession(std::unique_ptr<io::Stream> transport, const Limits& limits = {}, Room room = {});

  // Null when there can be no more streams here: the connection has ended, is being left, is full, or the
  // server has not said yet how many it takes.
  std::unique_ptr<io::Stream> Open();
  bool usable() const { return room() > 0; }
  // Streams that can be opened.
  size_t room() const;
  // As many streams are open as the server takes.
  bool full() const;
  // The server has sent its settings; it is not asked anything before.
  bool greeted() const { return greeted_; }
  bool opening() const { return !greeted_ && !ended(); }

  void Leave() override;

 private:
  uint32_t most_streams() const;
  void OnSettings() override;
  void OnForgotten() override;
  void OnEnded() override;
  void OnHead(Stream& stream, bool ended) override;
  http::ParseResult ParseHead(Stream& stream, std::string_view text) override;
  const http::Head& head() const override { return head_; }
  bool Submit(Stream& stream, bool ended) override;

  const uint32_t max_streams_;
  http::RequestHead head_;  // the one that is being written
  Room room_;
  bool greeted_ = false;
  bool leaving_ = false;
};

}  // namespace tulle::http2
