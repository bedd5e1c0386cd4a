#pragma once

#include <functional>
#include <optional>
#include <string>

#include "lib/identity/certificate.h"
#include "lib/io/buffer.h"
#include "lib/io/event.h"
#include "lib/io/stream.h"
#include "operator/distribute/peer.h"
#include "operator/distribute/subscriber.h"

namespace tulle::control::distribute {

// One sidecar's config stream after the upgrade: reads what it says, writes what it must know. Lives in the
// coroutine that runs it, on the server's loop; `stream`, `buffer` and the host must outlive it.
class ConfigStream {
 public:
  // What a stream needs of the server around it.
  class Host {
   public:
    virtual ~Host() = default;
    // Never null while a stream runs.
    virtual const compile::Snapshot& snapshot() const = 0;
    // The stream knows now whose it is.
    virtual void Joined(ConfigStream& stream) = 0;
  };

  ConfigStream(io::Loop& loop, io::Stream& stream, io::Buffer& buffer, Host& host, identity::SpiffeId peer,
               identity::Time certificate_ends)
      : loop_(loop),
        stream_(stream),
        buffer_(buffer),
        host_(host),
        peer_(std::move(peer)),
        certificate_ends_(certificate_ends),
        wake_(loop) {}

  // Ends when the connection does, when the sidecar breaks the protocol, or after Close. Returns why.
  io::Task<std::string> Run();

  // There is a new snapshot that differs in these resources.
  void Changed(const std::vector<std::string>& names);
  void Close(const std::string& why);

  const std::string& pod() const { return pod_; }
  const identity::SpiffeId& peer() const { return peer_; }
  SidecarReport Report() const;

 private:
  io::Task<void> Write();
  io::Task<bool> Send(const std::string& text);
  bool HandleLine(std::string_view line);
  bool Handle(const meshconfig::Message& message);
  bool Greet(const meshconfig::Hello& hello);
  bool Fail(const std::string& why);
  void Dirty();

  io::Loop& loop_;
  io::Stream& stream_;
  io::Buffer& buffer_;
  Host& host_;
  const identity::SpiffeId peer_;
  const identity::Time certificate_ends_;
  io::Event wake_;
  Subscriber subscriber_;
  std::string pod_;  // empty until the hello
  std::string workload_;
  bool dirty_ = false;
  io::TimePoint sent_at_;
  std::string why_;  // set = the stream is to end
};

}  // namespace tulle::control::distribute
