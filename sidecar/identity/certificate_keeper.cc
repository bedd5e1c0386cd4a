#include "sidecar/identity/certificate_keeper.h"

#include <openssl/x509.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "lib/identity/csr.h"

namespace tulle::sidecar::identity {
namespace {

namespace id = ::tulle::identity;
using std::chrono::milliseconds;
using std::chrono::system_clock;

// Without a certificate a pod waits: ask often. With one that only needs renewal there is time.
constexpr auto kFirstPause = milliseconds(100);
constexpr auto kBetweenRenewals = milliseconds(500);  // however short the lives are
constexpr auto kLongestPauseWithout = milliseconds(1000);
constexpr auto kLongestPauseWith = milliseconds(30000);

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  std::string text = content.str();
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

std::optional<std::string> TextAt(const nlohmann::json& object, const char* name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

}  // namespace

CertificateKeeper::CertificateKeeper(io::Loop& loop, Options options, const StateDir& state,
                                     std::function<void(const Certified&)> publish)
    : loop_(loop),
      options_(std::move(options)),
      state_(state),
      publish_(std::move(publish)),
      random_(std::random_device{}()) {}

void CertificateKeeper::SetRoots(const std::string& roots) {
  if (roots.empty() || roots == options_.roots) return;
  options_.roots = roots;
  if (current_.key == nullptr) return;
  current_.roots = roots;
  publish_(current_);
}

base::Result<Certified> CertificateKeeper::Check(const id::Key& key, std::string certificate,
                                                 std::string roots) const {
  const auto parsed = id::ParseCertificate(certificate);
  if (!parsed) return parsed.failure();
  const auto identity = id::PeerIdentity(parsed->get());
  if (!identity) return identity.failure();
  if (id::NotAfter(parsed->get()) <= system_clock::now()) return base::Failure{"the certificate has expired"};
  // A restart between the writing of two files leaves the one without the other.
  if (X509_check_private_key(parsed->get(), key.native()) != 1)
    return base::Failure{"the certificate is not for our key"};
  if (const auto bundle = id::ParseBundle(roots); !bundle) return bundle.failure();
  auto copy = id::Key::FromPem(key.ToPem());
  if (!copy) return copy.failure();
  return Certified{std::make_shared<const id::Key>(std::move(*copy)), std::move(certificate),
                   std::move(roots), id::Print(*identity)};
}

bool CertificateKeeper::LoadKept() {
  const auto key_text = state_.Read("key.pem");
  const auto certificate = state_.Read("certificate.pem");
  const auto roots = state_.Read("roots.pem");
  if (!key_text || !certificate || !roots) return false;
  const auto key = id::Key::FromPem(*key_text);
  if (!key) return false;
  auto kept = Check(*key, *certificate, *roots);
  if (!kept) {
    spdlog::info("kept certificate not used: {}", kept.failure().what);
    return false;
  }
  options_.roots = *roots;
  current_ = std::move(*kept);
  problem_.clear();
  publish_(current_);
  return true;
}

void CertificateKeeper::Adopt(Certified certified) {
  current_ = std::move(certified);
  options_.roots = current_.roots;
  problem_.clear();
  // Without these files a restart needs the operator; that is all that is lost.
  for (const auto& [name, content] : {std::pair<std::string, std::string>{"key.pem", current_.key->ToPem()},
                                      {"certificate.pem", current_.certificate},
                                      {"roots.pem", current_.roots}}) {
    const auto written = state_.Write(name, content, true);
    if (!written) spdlog::warn("certificate not kept for a restart: {}", written.failure().what);
  }
  publish_(current_);
}

system_clock::time_point CertificateKeeper::RenewAt() {
  const auto parsed = id::ParseCertificate(current_.certificate);
  if (!parsed) return system_clock::now();
  const auto begin = id::NotBefore(parsed->get());
  const auto life = id::NotAfter(parsed->get()) - begin;
  // Half of the life, spread by a tenth of it, so that pods that started together do not renew together.
  const auto spread = life / 10 * static_cast<int64_t>(random_() % 1000) / 1000;
  return begin + life / 2 - spread;
}

io::Task<base::Result<Certified>> CertificateKeeper::Request() {
  const std::string token = ReadFile(options_.token_file);
  if (token.empty()) co_return base::Failure{"no token in " + options_.token_file};
  tls::Context::Options tls_options;
  tls_options.roots = options_.roots;
  const auto context = tls::Context::Make(tls_options);
  if (!context) co_return context.failure();
  auto stream = co_await DialOperator(loop_, options_.address, *context);
  if (!stream) co_return stream.failure();

  const id::Key key = id::Key::Generate();
  const std::string body = nlohmann::json{{"csr", id::MakeCsr(key)}}.dump();
  std::string request =
      "POST /v1/certificate HTTP/1.1\r\nHost: " + options_.address.server_name +
      "\r\nAuthorization: Bearer " + token +
      "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
      body;
  io::Buffer in;
  auto reply = co_await Call(**stream, in, std::move(request));
  if (!reply) co_return reply.failure();
  const auto json = nlohmann::json::parse(reply->body, nullptr, false);
  if (reply->status != 200) {
    const std::string error = TextAt(json, "error").value_or("no reason given");
    co_return base::Failure{"the operator refused: " + std::to_string(reply->status) + " " + error};
  }
  const auto certificate = TextAt(json, "certificate");
  const auto bundle = TextAt(json, "bundle");
  if (!certificate || !bundle) co_return base::Failure{"the operator's answer has no certificate and bundle"};
  co_return Check(key, *certificate, *bundle);
}

io::Task<void> CertificateKeeper::Run() {
  LoadKept();
  std::chrono::milliseconds pause = kFirstPause;
  for (;;) {
    const bool have = current_.key != nullptr;
    if (have && system_clock::now() < RenewAt()) {
      const auto left = std::chrono::duration_cast<io::Duration>(RenewAt() - system_clock::now());
      // In short steps, so that a clock that jumps is noticed.
      co_await loop_.Sleep(std::clamp<io::Duration>(left, milliseconds(50), std::chrono::seconds(10)));
      continue;
    }
    auto certified = co_await Request();
    if (certified) {
      spdlog::info("certificate for {}", certified->identity);
      Adopt(std::move(*certified));
      pause = kFirstPause;
      co_await loop_.Sleep(kBetweenRenewals);
      continue;
    }
    if (!have) problem_ = "identity/no-certificate: " + certified.failure().what;
    spdlog::warn("certificate: {}", certified.failure().what);
    const auto spread = milliseconds(random_() % (pause.count() / 2 + 1));
    const io::Duration wait = pause / 2 + spread;
    co_await loop_.Sleep(wait);
    pause = std::min<milliseconds>(pause * 2, have ? kLongestPauseWith : kLongestPauseWithout);
  }
}

}  // namespace tulle::sidecar::identity
