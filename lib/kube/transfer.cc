#include "lib/kube/transfer.h"

#include <fstream>
#include <sstream>

namespace tulle::kube {
namespace {

// curl's global state must be set up before the first thread that uses it.
[[maybe_unused]] const CURLcode kInitialised = curl_global_init(CURL_GLOBAL_DEFAULT);

using OnData = std::function<bool(std::string_view)>;

size_t TakeData(char* data, size_t size, size_t count, void* on_data) {
  const bool go_on = (*static_cast<const OnData*>(on_data))(std::string_view(data, size * count));
  return go_on ? size * count : 0;
}

std::string ReadToken(const std::string& path) {
  std::ifstream file(path);
  std::string token;
  std::getline(file, token);
  return token;
}

struct Lines {
  ~Lines() { curl_slist_free_all(list); }
  void Add(const std::string& line) { list = curl_slist_append(list, line.c_str()); }
  curl_slist* list = nullptr;
};

// `text` must outlive the call.
void SetBlob(CURL* easy, CURLoption option, const std::string& text) {
  if (text.empty()) return;
  curl_blob blob = {const_cast<char*>(text.data()), text.size(), CURL_BLOB_NOCOPY};
  curl_easy_setopt(easy, option, &blob);
}

}  // namespace

Transfer::Transfer() : multi_(curl_multi_init()), easy_(curl_easy_init()) {}
Transfer::~Transfer() = default;

int Transfer::status() const {
  long code = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &code);
  return static_cast<int>(code);
}

TransferResult Transfer::Run(const TransferRequest& request, const OnData& on_data) {
  CURL* easy = easy_.get();
  curl_easy_reset(easy);  // keeps the connection
  char error[CURL_ERROR_SIZE] = {};
  Lines headers;
  headers.Add("Accept: application/json");
  if (!request.token_file.empty()) headers.Add("Authorization: Bearer " + ReadToken(request.token_file));
  if (request.body) headers.Add(std::string("Content-Type: ") + request.content_type);
  headers.Add("Expect:");
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.verb.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.list);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "tulle");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 10L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 5L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
  if (!request.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, request.ca_file.c_str());
  SetBlob(easy, CURLOPT_CAINFO_BLOB, request.roots);
  SetBlob(easy, CURLOPT_SSLCERT_BLOB, request.client_certificate);
  SetBlob(easy, CURLOPT_SSLKEY_BLOB, request.client_key);
  Lines targets;
  if (!request.connect_to.empty()) {
    targets.Add("::" + request.connect_to);
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, targets.list);
  }
  if (request.body) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body->data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body->size()));
  }
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &TakeData);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &on_data);

  CURLM* multi = multi_.get();
  const std::stop_callback wake(request.stop, [multi] { curl_multi_wakeup(multi); });
  curl_multi_add_handle(multi, easy);
  TransferResult result;
  int running = 1;
  while (running > 0 && !request.stop.stop_requested()) {
    if (curl_multi_perform(multi, &running) != CURLM_OK) break;
    if (running > 0) curl_multi_poll(multi, nullptr, 0, 1000, nullptr);
  }
  if (running > 0) result.error = "stopped";
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    if (message->msg != CURLMSG_DONE || message->data.result == CURLE_OK) continue;
    result.error = error[0] != '\0' ? error : curl_easy_strerror(message->data.result);
  }
  result.status = status();
  curl_multi_remove_handle(multi, easy);
  return result;
}

bool LineSplitter::Push(std::string_view data) {
  while (true) {
    const size_t newline = data.find('\n');
    if (rest_.size() + data.size() > kMaxLineBytes && newline == std::string_view::npos) return false;
    if (newline == std::string_view::npos) break;
    rest_ += data.substr(0, newline);
    data.remove_prefix(newline + 1);
    const bool go_on = rest_.empty() || on_line_(rest_);
    rest_.clear();
    if (!go_on) {
      ended_ = true;
      return false;
    }
  }
  rest_ += data;
  return true;
}

}  // namespace tulle::kube
