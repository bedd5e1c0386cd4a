#include "sidecar/admin/grpc_health.h"

#include <nghttp2/nghttp2.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "sidecar/admin/dial.h"

namespace tulle::sidecar::admin {
namespace {

// One call on one connection, driven by blocking reads.
struct Call {
  std::string request;  // length-prefixed message
  size_t sent = 0;
  std::string response;
  std::string http_status;
  std::string grpc_status;
  bool closed = false;
};

// HealthCheckRequest{service: 1} in its length-prefixed frame.
std::string Frame(const std::string& service) {
  std::string message;
  if (!service.empty())
    message = std::string("\x0a") + static_cast<char>(std::min<size_t>(service.size(), 127)) +
              service.substr(0, 127);
  return std::string(4, '\0') + '\0' + message;
}

ssize_t ReadRequest(nghttp2_session*, int32_t, uint8_t* into, size_t length, uint32_t* flags,
                    nghttp2_data_source* source, void*) {
  auto* call = static_cast<Call*>(source->ptr);
  const size_t bytes = std::min(length, call->request.size() - call->sent);
  std::memcpy(into, call->request.data() + call->sent, bytes);
  call->sent += bytes;
  if (call->sent == call->request.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(bytes);
}

int OnHeader(nghttp2_session*, const nghttp2_frame*, const uint8_t* name, size_t name_length,
             const uint8_t* value, size_t value_length, uint8_t, void* user) {
  auto* call = static_cast<Call*>(user);
  const std::string_view key(reinterpret_cast<const char*>(name), name_length);
  const std::string text(reinterpret_cast<const char*>(value), value_length);
  if (key == ":status") call->http_status = text;
  if (key == "grpc-status") call->grpc_status = text;
  return 0;
}

int OnData(nghttp2_session*, uint8_t, int32_t, const uint8_t* data, size_t length, void* user) {
  auto* call = static_cast<Call*>(user);
  if (call->response.size() < 4096) call->response.append(reinterpret_cast<const char*>(data), length);
  return 0;
}

int OnClose(nghttp2_session*, int32_t, uint32_t, void* user) {
  static_cast<Call*>(user)->closed = true;
  return 0;
}

bool Flush(nghttp2_session* session, int fd) {
  for (;;) {
    const uint8_t* bytes = nullptr;
    const ssize_t length = nghttp2_session_mem_send(session, &bytes);
    if (length < 0) return false;
    if (length == 0) return true;
    for (ssize_t sent = 0; sent < length;) {
      const ssize_t step = send(fd, bytes + sent, static_cast<size_t>(length - sent), MSG_NOSIGNAL);
      if (step <= 0) return false;
      sent += step;
    }
  }
}

nghttp2_nv Pair(const char* name, const std::string& value) {
  return {reinterpret_cast<uint8_t*>(const_cast<char*>(name)),
          reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), std::strlen(name), value.size(),
          NGHTTP2_NV_FLAG_NONE};
}

std::string Judge(const Call& call) {
  if (!call.closed) return "gRPC health: no answer in time";
  if (call.grpc_status != "0")
    return "gRPC health: status " +
           (call.grpc_status.empty() ? "of HTTP " + call.http_status : call.grpc_status);
  // HealthCheckResponse{status: 1}: SERVING is 1.
  const std::string serving("\x08\x01", 2);
  if (call.response.size() >= 7 && call.response.compare(5, 2, serving) == 0) return {};
  return "gRPC health: not serving";
}

}  // namespace

std::string CheckGrpcHealth(const std::string& ip, int port, const std::string& service,
                            int timeout_seconds) {
  Call call;
  const Descriptor connection = DialBlocking(ip, static_cast<uint16_t>(port), timeout_seconds);
  if (!connection.ok()) return std::string("gRPC health: connect: ") + std::strerror(errno);
  call.request = Frame(service);
  call.request[4] = static_cast<char>(call.request.size() - 5);

  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_session_callbacks_new(&callbacks);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, &OnHeader);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &OnData);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, &OnClose);
  nghttp2_session* raw = nullptr;
  nghttp2_session_client_new(&raw, callbacks, &call);
  nghttp2_session_callbacks_del(callbacks);
  const std::unique_ptr<nghttp2_session, void (*)(nghttp2_session*)> session(raw, &nghttp2_session_del);

  const std::string method = "POST", scheme = "http", path = "/grpc.health.v1.Health/Check";
  const std::string authority = ip + ":" + std::to_string(port), type = "application/grpc", te = "trailers";
  const nghttp2_nv headers[] = {Pair(":method", method),    Pair(":scheme", scheme),
                                Pair(":path", path),        Pair(":authority", authority),
                                Pair("content-type", type), Pair("te", te)};
  nghttp2_data_provider body{};
  body.source.ptr = &call;
  body.read_callback = &ReadRequest;
  nghttp2_submit_settings(session.get(), NGHTTP2_FLAG_NONE, nullptr, 0);
  nghttp2_submit_request(session.get(), nullptr, headers, std::size(headers), &body, nullptr);
  if (!Flush(session.get(), connection.get())) return "gRPC health: the connection broke";
  uint8_t bytes[4096];
  while (!call.closed) {
    const ssize_t got = recv(connection.get(), bytes, sizeof bytes, 0);
    if (got <= 0) break;
    if (nghttp2_session_mem_recv(session.get(), bytes, static_cast<size_t>(got)) < 0)
      return "gRPC health: not HTTP/2";
    if (!Flush(session.get(), connection.get())) break;
  }
  return Judge(call);
}

}  // namespace tulle::sidecar::admin
