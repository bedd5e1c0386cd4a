#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

#include "lib/base/result.h"
#include "lib/io/buffer.h"
#include "lib/io/stream.h"
#include "lib/tls/context.h"

namespace tulle::tls {

// TLS over a socket. One SSL_write and one send per flush; no memory of its own while idle but OpenSSL's
// state. Handshake must have succeeded before anything is read or written.
class TlsStream final : public io::Stream {
 public:
  // What a client says and expects in its ClientHello.
  struct ClientOptions {
    std::string alpn;         // the one protocol offered; empty = none
    std::string server_name;  // SNI; the certificate must carry it as DNS name. Empty = the caller checks the
                              // peer itself
  };
  TlsStream(std::unique_ptr<io::Socket> socket, std::shared_ptr<const Context> context,
            const ClientOptions& options);
  TlsStream(std::unique_ptr<io::Socket> socket, std::shared_ptr<const Context> context);
  ~TlsStream() override;

  // Ends with kNone, kTls (see failure()), kTimedOut at the socket's deadline, or the socket's error.
  struct HandshakeAwaiter;
  HandshakeAwaiter Handshake();

  // Why the handshake or the connection failed, in words; empty where nothing failed.
  const std::string& failure() const { return failure_; }
  // The protocol agreed on; empty = none.
  std::string_view alpn() const;
  // The peer's verified leaf certificate, or null. Lives as long as the stream.
  X509* peer_certificate() const;

  io::IoResult TryRead(std::span<char> into) override;
  io::IoResult TryWrite(std::span<const char> from) override;
  io::IoResult TryFlush() override;
  void ShutdownWrite() override;
  bool buffered() const override { return SSL_has_pending(ssl_.get()) == 1; }
  io::Readiness& readiness() override { return *socket_; }
  io::Socket& socket() { return *socket_; }

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  friend struct HandshakeAwaiter;

  void Attach();
  io::Error StepHandshake();
  // The Error for the return value of an SSL_ function that did not succeed.
  io::Error Translate(int outcome);

  static BIO_METHOD* BioMethod();
  static int BioRead(BIO* bio, char* into, int size);
  static int BioWrite(BIO* bio, const char* from, int size);
  static long BioControl(BIO* bio, int command, long number, void* pointer);

  std::unique_ptr<io::Socket> socket_;
  std::shared_ptr<const Context> context_;
  std::unique_ptr<SSL, Free> ssl_;
  io::Buffer out_;       // records that the kernel has not taken yet
  bool ending_ = false;  // the end of our direction follows them
  io::Error socket_error_ = io::Error::kNone;
  std::string failure_;
};

struct TlsStream::HandshakeAwaiter final : public io::Waiter {
  explicit HandshakeAwaiter(TlsStream& stream) : stream_(stream) {}
  bool await_ready() { return Poll(); }
  void await_suspend(std::coroutine_handle<> handle) { Hold(handle); }
  io::Error await_resume() const { return result_; }
  bool Poll() override;

 private:
  TlsStream& stream_;
  io::Error result_ = io::Error::kNone;
};

inline TlsStream::HandshakeAwaiter TlsStream::Handshake() { return HandshakeAwaiter(*this); }

}  // namespace tulle::tls
