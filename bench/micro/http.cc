#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include "lib/http/head.h"
#include "lib/http/write.h"
#include "lib/io/buffer.h"

namespace tulle::http {
namespace {

// What a service that calls another sends.
std::string SmallRequest() {
  return "GET /items/42?fields=name HTTP/1.1\r\nHost: web.shop:8080\r\nUser-Agent: shop-client/1.0\r\n"
         "Accept: application/json\r\n\r\n";
}

// What comes in from a browser by way of an ingress: twenty headers, a cookie among them.
std::string LargeRequest() {
  std::string text = "GET /items/42?fields=name HTTP/1.1\r\nHost: web.shop:8080\r\nCookie: session=";
  text += std::string(400, 'c') + "\r\n";
  for (int i = 0; i < 18; ++i)
    text += "X-Forwarded-Detail-" + std::to_string(i) + ": some value of an ordinary length\r\n";
  return text + "\r\n";
}

std::string SmallResponse() {
  return "HTTP/1.1 200 OK\r\nServer: app\r\nDate: Sun, 22 Nov 2026 11:00:00 GMT\r\nContent-Type: "
         "text/plain\r\n"
         "Content-Length: 128\r\nConnection: keep-alive\r\n\r\n";
}

void Count(benchmark::State& state, const std::string& text) {
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}

void ParseRequest(benchmark::State& state, const std::string& text) {
  RequestHead head;
  for (auto _ : state) benchmark::DoNotOptimize(ParseRequestHead(text, head));
  Count(state, text);
}
BENCHMARK_CAPTURE(ParseRequest, small, SmallRequest());
BENCHMARK_CAPTURE(ParseRequest, large, LargeRequest());

void ParseResponse(benchmark::State& state, const std::string& text) {
  ResponseHead head;
  for (auto _ : state) benchmark::DoNotOptimize(ParseResponseHead(text, "GET", head));
  Count(state, text);
}
BENCHMARK_CAPTURE(ParseResponse, small, SmallResponse());

constexpr std::array kAdded = {
    Field{kSourceHeader, "spiffe://cluster.local/ns/shop/sa/client"},
    Field{"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
};

void WriteRequest(benchmark::State& state, const std::string& text) {
  RequestHead head;
  ParseRequestHead(text, head);
  io::Buffer out;
  RequestForm form;
  form.added = kAdded;
  for (auto _ : state) {
    out.Clear();
    AppendRequestHead(out, head, form);
    benchmark::DoNotOptimize(out.view().data());
  }
  Count(state, text);
}
BENCHMARK_CAPTURE(WriteRequest, small, SmallRequest());
BENCHMARK_CAPTURE(WriteRequest, large, LargeRequest());

void WriteResponse(benchmark::State& state, const std::string& text) {
  ResponseHead head;
  ParseResponseHead(text, "GET", head);
  io::Buffer out;
  for (auto _ : state) {
    out.Clear();
    AppendResponseHead(out, head, {});
    benchmark::DoNotOptimize(out.view().data());
  }
  Count(state, text);
}
BENCHMARK_CAPTURE(WriteResponse, small, SmallResponse());

}  // namespace
}  // namespace tulle::http
