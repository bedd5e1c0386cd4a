#include "lib/tls/stream.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <algorithm>

namespace tulle::tls {
namespace {

// One record, sealed, fits one Buffer block.
constexpr size_t kRecordBytes = 15 << 10;
// Ciphertext kept for a peer that does not read; beyond it TryWrite takes nothing.
constexpr size_t kMaxPendingBytes = 64 << 10;

}  // namespace

TlsStream::TlsStream(std::unique_ptr<io::Socket> socket, std::shared_ptr<const Context> context,
                     const ClientOptions& options)
    : socket_(std::move(socket)), context_(std::move(context)), ssl_(SSL_new(context_->get())) {
  Attach();
  SSL_set_connect_state(ssl_.get());
  if (!options.alpn.empty()) {
    const std::string wire = static_cast<char>(options.alpn.size()) + options.alpn;
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(wire.data()),
                        static_cast<unsigned>(wire.size()));
  }
  if (!options.server_name.empty()) {
    SSL_set_tlsext_host_name(ssl_.get(), options.server_name.c_str());
    SSL_set1_host(ssl_.get(), options.server_name.c_str());
  }
}

TlsStream::TlsStream(std::unique_ptr<io::Socket> socket, std::shared_ptr<const Context> context)
    : socket_(std::move(socket)), context_(std::move(context)), ssl_(SSL_new(context_->get())) {
  Attach();
  SSL_set_accept_state(ssl_.get());
}

TlsStream::~TlsStream() = default;

void TlsStream::Attach() {
  if (ssl_ == nullptr) throw std::bad_alloc();
  BIO* bio = BIO_new(BioMethod());
  if (bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
}

BIO_METHOD* TlsStream::BioMethod() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tulle");
    BIO_meth_set_read(made, &TlsStream::BioRead);
    BIO_meth_set_write(made, &TlsStream::BioWrite);
    BIO_meth_set_ctrl(made, &TlsStream::BioControl);
    return made;
  }();
  return method;
}

int TlsStream::BioRead(BIO* bio, char* into, int size) {
  auto* self = static_cast<TlsStream*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const io::IoResult got = self->socket_->TryRead({into, static_cast<size_t>(size)});
  if (got.ok()) return static_cast<int>(got.bytes);
  if (got.error == io::Error::kAgain) {
    BIO_set_retry_read(bio);
  } else {
    self->socket_error_ = got.error;
  }
  return got.error == io::Error::kEof ? 0 : -1;
}

int TlsStream::BioWrite(BIO* bio, const char* from, int size) {
  auto* self = static_cast<TlsStream*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  self->out_.Append({from, static_cast<size_t>(size)});
  return size;
}

long TlsStream::BioControl(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

io::Error TlsStream::Translate(int outcome) {
  switch (SSL_get_error(ssl_.get(), outcome)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return io::Error::kAgain;
    case SSL_ERROR_ZERO_RETURN:
      return io::Error::kEof;
    default:
      break;
  }
  // An end of the socket without close_notify is a truncation, not an end.
  if (socket_error_ == io::Error::kEof) return io::Error::kReset;
  if (socket_error_ != io::Error::kNone) return socket_error_;
  if (failure_.empty()) {
    const long verify = SSL_get_verify_result(ssl_.get());
    failure_ = verify == X509_V_OK ? OpenSslErrors() : X509_verify_cert_error_string(verify);
  }
  ERR_clear_error();
  return io::Error::kTls;
}

io::Error TlsStream::StepHandshake() {
  ERR_clear_error();
  const int outcome = SSL_do_handshake(ssl_.get());
  const io::Error step = outcome == 1 ? io::Error::kNone : Translate(outcome);
  const io::IoResult flushed = TryFlush();  // an alert too must reach the peer
  if (step != io::Error::kNone) return step;
  return flushed.ok() || flushed.error == io::Error::kAgain ? io::Error::kNone : flushed.error;
}

bool TlsStream::HandshakeAwaiter::Poll() {
  result_ = stream_.StepHandshake();
  if (result_ != io::Error::kAgain) return true;
  if (stream_.readiness().expired()) {
    result_ = io::Error::kTimedOut;
    return true;
  }
  stream_.readiness().AwaitReadable(*this);
  return false;
}

std::string_view TlsStream::alpn() const {
  const unsigned char* name = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &length);
  return {reinterpret_cast<const char*>(name), length};
}

X509* TlsStream::peer_certificate() const { return SSL_get0_peer_certificate(ssl_.get()); }

io::IoResult TlsStream::TryRead(std::span<char> into) {
  ERR_clear_error();
  const int got = SSL_read(ssl_.get(), into.data(), static_cast<int>(std::min<size_t>(into.size(), 1 << 20)));
  if (!out_.empty()) TryFlush();  // the answer to a key update
  if (got > 0) return {static_cast<size_t>(got), io::Error::kNone};
  return {0, Translate(got)};
}

io::IoResult TlsStream::TryWrite(std::span<const char> from) {
  if (out_.size() >= kMaxPendingBytes) {
    const io::IoResult flushed = TryFlush();
    if (!flushed.ok()) return flushed;
  }
  ERR_clear_error();
  const int put = SSL_write(ssl_.get(), from.data(), static_cast<int>(std::min(from.size(), kRecordBytes)));
  if (put <= 0) return {0, Translate(put)};
  return {static_cast<size_t>(put), io::Error::kNone};
}

io::IoResult TlsStream::TryFlush() {
  while (!out_.empty()) {
    const std::string_view pending = out_.view();
    const io::IoResult sent = socket_->TryWrite({pending.data(), pending.size()});
    if (!sent.ok()) return sent;
    out_.Consume(sent.bytes);
  }
  out_.Release();
  if (ending_) socket_->ShutdownWrite();
  ending_ = false;
  return {};
}

void TlsStream::ShutdownWrite() {
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
  ending_ = true;
  TryFlush();
}

}  // namespace tulle::tls
