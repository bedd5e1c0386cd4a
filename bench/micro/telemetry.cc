#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <chrono>

#include "lib/telemetry/registry.h"
#include "sidecar/telemetry/access_log.h"
#include "sidecar/telemetry/probe.h"

namespace tulle::sidecar::telemetry {
namespace {

void ObserveDuration(benchmark::State& state) {
  ::tulle::telemetry::Histogram histogram;
  std::chrono::nanoseconds duration{0};
  for (auto _ : state)
    histogram.Observe(duration = (duration + std::chrono::microseconds(77)) % 1'000'000'000);
  benchmark::DoNotOptimize(histogram.count());
}
BENCHMARK(ObserveDuration);

// All that is recorded of one request when it is over.
void RecordRequest(benchmark::State& state, AccessLogMode mode) {
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  {
    ::tulle::telemetry::Registry registry;
    AccessLog log(nowhere);
    Probe probe(registry, log, mode, "0");
    Record record;
    record.inbound = true;
    record.protocol = "http";
    record.source = "spiffe://cluster.local/ns/shop/sa/client";
    record.destination = "shop/web";
    record.rule = "route/shop/web#2";
    record.backend = "service/shop/web";
    record.endpoint = "10.1.2.3:8080";
    record.method = "GET";
    record.host = "web.shop:8080";
    record.path = "/items/42";
    record.status = 200;
    record.attempts = 1;
    record.mtls = true;
    record.response_bytes = 128;
    record.duration = std::chrono::microseconds(800);
    for (auto _ : state) probe.Done(record);
  }
  close(nowhere);
}
BENCHMARK_CAPTURE(RecordRequest, log_off, AccessLogMode::kOff);
BENCHMARK_CAPTURE(RecordRequest, log_all, AccessLogMode::kAll);

}  // namespace
}  // namespace tulle::sidecar::telemetry
