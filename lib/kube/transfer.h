#pragma once

#include <curl/curl.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace tulle::kube {

inline constexpr size_t kMaxAnswerBytes = 256 << 20;
inline constexpr size_t kMaxLineBytes = 8 << 20;  // one object of a watch

struct TransferRequest {
  std::string verb;
  std::string url;
  std::string token_file = {};
  std::string ca_file = {};
  std::optional<std::string> body = std::nullopt;
  const char* content_type = "application/json";
  std::chrono::milliseconds timeout{15000};
  std::stop_token stop = {};
  // For a server that is not the API server: where to connect whatever the URL says ("10.0.0.1:15010"), our
  // own certificate and key, and whom to trust, all PEM.
  std::string connect_to = {};
  std::string client_certificate = {};
  std::string client_key = {};
  std::string roots = {};
};

struct TransferResult {
  int status = 0;
  std::string error;  // empty = the whole answer came
};

// One HTTP connection to the API server, used by one thread at a time for one call after the other.
class Transfer {
 public:
  Transfer();
  ~Transfer();

  // `on_data` gets the body as it comes, after status() is known; false from it ends the call with an error.
  TransferResult Run(const TransferRequest& request, const std::function<bool(std::string_view)>& on_data);

  // Of the answer that is coming in.
  int status() const;

 private:
  struct FreeEasy {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  };
  struct FreeMulti {
    void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
  };
  std::unique_ptr<CURLM, FreeMulti> multi_;
  std::unique_ptr<CURL, FreeEasy> easy_;
};

// Cuts a stream of bytes into lines.
class LineSplitter {
 public:
  explicit LineSplitter(const std::function<bool(std::string_view)>& on_line) : on_line_(on_line) {}

  // False when the callback wanted no more, or a line is longer than kMaxLineBytes.
  bool Push(std::string_view data);
  // The callback wanted no more.
  bool ended() const { return ended_; }

 private:
  const std::function<bool(std::string_view)>& on_line_;
  std::string rest_;
  bool ended_ = false;
};

}  // namespace tulle::kube
