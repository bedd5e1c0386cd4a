#include "sidecar/config/client.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "lib/meshconfig/codec.h"
#include "lib/meshconfig/names.h"

namespace tulle::sidecar::config {
namespace {

using meshconfig::Message;

// The operator sends a heartbeat every 5 s; three missed ones mean that the stream is dead.
constexpr auto kSilence = std::chrono::seconds(15);
constexpr auto kFirstPause = std::chrono::milliseconds(100);
constexpr auto kLongestPause = std::chrono::milliseconds(2000);
constexpr const char* kKeptFile = "config.json";

std::optional<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

}  // namespace

// One connection to one replica.
struct Client::Session {
  explicit Session(io::Loop& loop) : queued(loop) {}

  std::unique_ptr<io::Stream> stream;
  io::Buffer in;
  std::string received;  // up to the next newline
  std::string outgoing;
  io::Event queued;
  bool broken = false;

  void Send(const Message& message) {
    outgoing += meshconfig::EncodeMessage(message);
    queued.Notify();
  }
};

Client::Client(io::Loop& loop, Options options, const identity::StateDir& state, Publish publish)
    : loop_(loop),
      options_(std::move(options)),
      state_(state),
      publish_(std::move(publish)),
      random_(std::random_device{}()),
      context_changed_(loop) {
  wanted_ = {std::string(meshconfig::kMeshName), meshconfig::WorkloadName(options_.workload)};
}

void Client::LoadKept() {
  auto text = state_.Read(kKeptFile);
  const char* source = "kept config";
  if (!text) {
    text = ReadFile(options_.config_file);
    source = "config map";
  }
  if (!text) return;
  const auto document = meshconfig::DecodeDocument(*text);
  if (!document) {
    spdlog::warn("{} not used: {}", source, json::JoinProblems(document.failure()));
    return;
  }
  for (const meshconfig::Resource& resource : *document) {
    if (const auto problem = store_.Put(resource)) {
      spdlog::warn("{}: {} not used: {}", source, resource.name, *problem);
      continue;
    }
    delivered_[resource.name] = resource.version;
    if (meshconfig::KindOf(resource.name) == meshconfig::Kind::kAddress) wanted_.insert(resource.name);
  }
  spdlog::info("{}: {} resources", source, document->size());
  PublishThen([] {});
}

void Client::SetContext(std::shared_ptr<const tls::Context> context) {
  context_ = std::move(context);
  context_changed_.Notify();
}

void Client::Want(const std::string& ip) {
  const std::string name = meshconfig::AddressName(ip);
  if (!wanted_.insert(name).second || session_ == nullptr) return;
  Message message;
  message.subscribe = meshconfig::Subscribe{{name}, {}};
  session_->Send(message);
}

void Client::PublishThen(std::function<void()> in_force) {
  auto snapshot = store_.MakeSnapshot();
  snapshot->operator_reachable = connected_;
  publish_(std::move(snapshot), std::move(in_force));
}

void Client::Keep() {
  const auto written = state_.Write(kKeptFile, meshconfig::EncodeDocument(store_.Resources()), false);
  if (!written) spdlog::warn("config not kept for a restart: {}", written.failure().what);
}

io::Task<void> Client::Run() {
  std::chrono::milliseconds pause = kFirstPause;
  for (;;) {
    while (context_ == nullptr) co_await context_changed_.Wait(io::kNever);
    const auto result = co_await RunSession();
    if (connected_) {
      connected_ = false;
      pause = kFirstPause;
      PublishThen([] {});
    }
    if (!result) spdlog::warn("config stream: {}", result.failure().what);
    const auto spread = std::chrono::milliseconds(random_() % (pause.count() / 2 + 1));
    const io::Duration wait = pause / 2 + spread;
    co_await loop_.Sleep(wait);
    pause = std::min<std::chrono::milliseconds>(pause * 2, kLongestPause);
  }
}

io::Task<base::Result<bool>> Client::RunSession() {
  auto stream = co_await identity::DialOperator(loop_, options_.address, context_);
  if (!stream) co_return stream.failure();
  Session session(loop_);
  session.stream = std::move(*stream);
  std::string request = "POST /v1/config HTTP/1.1\r\nHost: " + options_.address.server_name +
                        "\r\nConnection: Upgrade\r\nUpgrade: " + std::string(meshconfig::kUpgradeProtocol) +
                        "\r\nContent-Length: 0\r\n\r\n";
  const auto reply = co_await identity::Call(*session.stream, session.in, std::move(request));
  if (!reply) co_return reply.failure();
  if (reply->status != 101) {
    co_return base::Failure{"the operator refused the stream: " + std::to_string(reply->status) + " " +
                            reply->body};
  }
  spdlog::info("config stream open");
  session_ = &session;
  ++sessions_;
  connected_ = true;
  Message message;
  message.hello = meshconfig::Hello{options_.pod, options_.workload, options_.version};
  session.Send(message);
  message = {};
  // What was rejected is not held: it comes again, and is refused again, so that the operator knows.
  std::vector<meshconfig::Held> held = store_.Held();
  delivered_.clear();
  for (const auto& [name, version] : held) delivered_[name] = version;
  message.subscribe = meshconfig::Subscribe{{wanted_.begin(), wanted_.end()}, std::move(held)};
  session.Send(message);
  PublishThen([] {});

  io::Task<void> sending = SendQueued(session);
  sending.Start();
  const std::string why = co_await ReceiveUntilBroken(session);
  session_ = nullptr;
  co_return base::Failure{why};
}

io::Task<void> Client::SendQueued(Session& session) {
  for (;;) {
    while (session.outgoing.empty()) co_await session.queued.Wait(io::kNever);
    const std::string batch = std::move(session.outgoing);
    session.outgoing.clear();
    const std::span<const char> bytes(batch);
    const io::IoResult written = co_await session.stream->Write(bytes);
    if (!written.ok()) co_return;  // the reading side meets the same end
  }
}

io::Task<std::string> Client::ReceiveUntilBroken(Session& session) {
  for (;;) {
    while (!session.in.empty()) {
      const std::string_view view = session.in.view();
      const size_t newline = view.find('\n');
      if (newline == std::string_view::npos) {
        session.received += view;
        session.in.Clear();
        if (session.received.size() > meshconfig::kMaxMessageBytes) co_return "a message is too large";
        break;
      }
      session.received += view.substr(0, newline);
      session.in.Consume(newline + 1);
      const auto message = meshconfig::DecodeMessage(session.received);
      session.received.clear();
      if (!message) co_return "a message makes no sense: " + json::JoinProblems(message.failure());
      if (const auto problem = Handle(*message)) co_return *problem;
    }
    session.stream->readiness().SetDeadline(loop_.now() + kSilence);
    const io::IoResult got = co_await session.stream->ReadInto(session.in);
    if (!got.ok())
      co_return got.error == io::Error::kTimedOut ? std::string("silent for too long")
                                                  : std::string(io::Name(got.error));
  }
}

std::optional<std::string> Client::Handle(const Message& message) {
  if (message.update) {
    Apply(*message.update);
    return std::nullopt;
  }
  if (message.heartbeat) {
    std::vector<meshconfig::Held> held;
    for (const auto& [name, version] : delivered_) held.push_back({name, version});
    if (meshconfig::StateHash(std::move(held)) != message.heartbeat->hash)
      return "the heartbeat differs from what is held";
    return std::nullopt;
  }
  return "an operator does not send such a message";
}

// In force for the data plane before the ack leaves: publish posts to the workers, and the ack waits for them
// (see app).
void Client::Apply(const meshconfig::Update& update) {
  Message message;
  message.ack = meshconfig::Ack{update.id, {}};
  for (const meshconfig::Resource& resource : update.resources) {
    delivered_[resource.name] = resource.version;
    if (const auto problem = store_.Put(resource)) {
      ++rejected_;
      spdlog::warn("config rejected: {} {}: {}", resource.name, resource.version, *problem);
      message.ack->rejected.push_back({resource.name, resource.version, *problem});
    }
  }
  for (const std::string& name : update.removed) {
    delivered_.erase(name);
    store_.Remove(name);
  }
  Keep();
  PublishThen([this, ack = std::move(message), number = sessions_] {
    if (session_ != nullptr && number == sessions_) session_->Send(ack);
  });
}

}  // namespace tulle::sidecar::config
