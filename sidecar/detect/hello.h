#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tulle::sidecar::detect {

// What a client says when it begins TLS. With kTls:
struct Hello {
  enum class Kind { kNeedMore, kNotTls, kTls } kind = Kind::kNeedMore;
  std::vector<std::string> alpn;  // what it offers
  std::string server_name;        // whom it wants (SNI); empty where it does not say, or says no host name
};

// Looks into a TLS ClientHello, however many records it is cut into. What is not a whole, well-formed
// ClientHello within `bytes` is kNeedMore as long as more bytes can make it one and kNotTls else; 16 KiB make
// it one or never will. What follows it is not looked at.
Hello ReadHello(std::string_view bytes);

}  // namespace tulle::sidecar::detect
