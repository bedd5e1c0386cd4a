#include "lib/tls/context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sslerr_legacy.h>
#include <openssl/x509.h>

#include "lib/identity/openssl_error.h"

namespace tulle::tls {
namespace {

// Two records in one system call; tls/memory.cc keeps blocks of that size.
constexpr size_t kReadAheadBytes = 32 << 10;

struct Deleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using BioPtr = std::unique_ptr<BIO, Deleter>;
using X509Ptr = std::unique_ptr<X509, Deleter>;

std::vector<X509Ptr> ReadCertificates(const std::string& pem) {
  std::vector<X509Ptr> certificates;
  const BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(certificate);
  }
  ERR_clear_error();  // the end of the text is reported as an error
  return certificates;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"  // in favour of all words of the library at once
void LoadWords() {
  identity::LoadErrorWords();
  static const int loaded = ERR_load_SSL_strings();
  (void)loaded;
}
#pragma GCC diagnostic pop

}  // namespace

std::string OpenSslErrors() {
  LoadWords();
  std::string text;
  while (const unsigned long code = ERR_get_error()) {
    char line[256];
    ERR_error_string_n(code, line, sizeof line);
    if (!text.empty()) text += "; ";
    text += line;
  }
  return text.empty() ? "no detail" : text;
}

base::Result<std::shared_ptr<const Context>> Context::Make(const Options& options) {
  auto made = std::make_shared<Context>();
  made->side_ = options.side;
  made->context_.reset(
      SSL_CTX_new(options.side == Side::kServer ? TLS_server_method() : TLS_client_method()));
  SSL_CTX* context = made->context_.get();
  if (context == nullptr) return base::Failure{"TLS context: " + OpenSslErrors()};

  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_ciphersuites(context,
                           "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
  SSL_CTX_set1_groups_list(context, "X25519:P-256");
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, kReadAheadBytes);

  int verify = SSL_VERIFY_PEER;
  if (options.side == Side::kServer && options.clients == ClientCertificates::kRequired) {
    verify |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  SSL_CTX_set_verify(context, verify, nullptr);
  SSL_CTX_set_verify_depth(context, 3);

  const auto roots = ReadCertificates(options.roots);
  if (roots.empty()) return base::Failure{"TLS context: the trust bundle holds no certificate"};
  for (const X509Ptr& root : roots) X509_STORE_add_cert(SSL_CTX_get_cert_store(context), root.get());

  if (options.key != nullptr) {
    const auto chain = ReadCertificates(options.certificate);
    if (chain.empty()) return base::Failure{"TLS context: no certificate in PEM text"};
    if (SSL_CTX_use_certificate(context, chain[0].get()) != 1 ||
        SSL_CTX_use_PrivateKey(context, options.key) != 1 || SSL_CTX_check_private_key(context) != 1) {
      return base::Failure{"TLS context: certificate and key: " + OpenSslErrors()};
    }
    for (size_t i = 1; i < chain.size(); ++i) SSL_CTX_add1_chain_cert(context, chain[i].get());
  }

  for (const std::string& name : options.alpn) made->alpn_ += static_cast<char>(name.size()) + name;
  if (options.side == Side::kServer && !options.alpn.empty()) {
    SSL_CTX_set_alpn_select_cb(context, &Context::SelectAlpn, made.get());
  }
  return std::shared_ptr<const Context>(std::move(made));
}

base::Result<std::shared_ptr<const Context>> Context::MakeCredulous() {
  auto made = std::make_shared<Context>();
  made->context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = made->context_.get();
  if (context == nullptr) return base::Failure{"TLS context: " + OpenSslErrors()};
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return std::shared_ptr<const Context>(std::move(made));
}

int Context::SelectAlpn(SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* in,
                        unsigned in_length, void* self) {
  const std::string& ours = static_cast<const Context*>(self)->alpn_;
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(&selected, out_length, reinterpret_cast<const unsigned char*>(ours.data()),
                            static_cast<unsigned>(ours.size()), in, in_length) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace tulle::tls
