#pragma once

#include <functional>
#include <memory>
#include <string>

#include "lib/base/result.h"
#include "lib/telemetry/registry.h"
#include "webhook/inject/inject.h"
#include "webhook/serving/slot.h"

// The two listeners of the webhook process. Nothing is decided here: bodies go to webhook/admission and back.
namespace tulle::webhook::serving {

using SettingsSource = std::function<base::Result<inject::Settings>()>;
// Nothing when ready, else why not.
using Readiness = std::function<std::string()>;

// A server on its own thread: bound when Start returns, gone when Stop does.
class Listener {
 public:
  // POST /mutate and /validate over TLS, certificates from the slot. Both references must outlive it.
  static Listener Admission(CertificateSlot& slot, SettingsSource settings, telemetry::Registry& registry);

  // GET /healthz, /readyz and /metrics in plaintext.
  static Listener Health(Readiness readiness, telemetry::Registry& registry);

  Listener(Listener&&) noexcept;
  ~Listener();

  // `address` is "host:port" or ":port"; port 0 picks one. Returns the port.
  base::Result<int> Start(const std::string& address);
  // Takes no new connections and waits for the requests that are being answered.
  void Stop();

 private:
  struct Running;
  explicit Listener(std::unique_ptr<Running> running);
  std::unique_ptr<Running> running_;
};

}  // namespace tulle::webhook::serving
