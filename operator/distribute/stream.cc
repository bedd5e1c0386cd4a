#include "operator/distribute/stream.h"

#include "operator/distribute/limits.h"

namespace tulle::control::distribute {

io::Task<std::string> ConfigStream::Run() {
  stream_.readiness().SetDeadline(loop_.now() + kHelloTimeout);
  io::Task<void> writer = Write();
  writer.Start();
  size_t searched = 0;  // bytes at the start of the buffer without a newline
  while (why_.empty()) {
    const size_t newline = buffer_.view().find('\n', searched);
    if (newline != std::string_view::npos) {
      if (!HandleLine(buffer_.view().substr(0, newline))) break;
      buffer_.Consume(newline + 1);
      searched = 0;
      continue;
    }
    searched = buffer_.size();
    if (searched > meshconfig::kMaxMessageBytes) {
      Fail("a message is longer than " + std::to_string(meshconfig::kMaxMessageBytes) + " bytes");
      break;
    }
    buffer_.Release();
    const io::IoResult got = co_await stream_.ReadInto(buffer_, meshconfig::kMaxMessageBytes + 1);
    if (!got.ok()) {
      Fail("connection " + std::string(io::Name(got.error)));
      break;
    }
  }
  co_return why_;
}

io::Task<void> ConfigStream::Write() {
  io::TimePoint next_beat = loop_.now() + kHeartbeatInterval;
  while (why_.empty()) {
    if (std::exchange(dirty_, false)) {
      const std::optional<meshconfig::Update> update = subscriber_.Next(*host_.snapshot());
      if (update) {
        sent_at_ = loop_.now();
        meshconfig::Message message;
        message.update = *update;
        const std::string text = meshconfig::EncodeMessage(message);
        const bool sent = co_await Send(text);
        if (!sent) co_return;
        continue;
      }
    }
    if (loop_.now() >= next_beat) {
      next_beat = loop_.now() + kHeartbeatInterval;
      if (subscriber_.in_flight() && loop_.now() > sent_at_ + kAckTimeout)
        Fail("an update was never answered");
      if (std::chrono::system_clock::now() >= certificate_ends_) Fail("its certificate has expired");
      if (!why_.empty()) co_return;
      meshconfig::Message message;
      if (!pod_.empty()) message.heartbeat = subscriber_.Beat();
      if (message.heartbeat) {
        const std::string text = meshconfig::EncodeMessage(message);
        const bool sent = co_await Send(text);
        if (!sent) co_return;
        continue;
      }
    }
    co_await wake_.Wait(next_beat);
  }
}

// The deadline of the socket guards writing only: between messages a sidecar may be silent for ever.
io::Task<bool> ConfigStream::Send(const std::string& text) {
  stream_.readiness().SetDeadline(loop_.now() + kWriteTimeout);
  const std::span<const char> bytes(text);
  const io::IoResult put = co_await stream_.Write(bytes);
  if (!put.ok()) {
    Fail("connection " + std::string(io::Name(put.error)));
    co_return false;
  }
  if (why_.empty()) stream_.readiness().SetDeadline(io::kNever);
  co_return true;
}

bool ConfigStream::HandleLine(std::string_view line) {
  const base::Result<meshconfig::Message, json::Problems> message = meshconfig::DecodeMessage(line);
  if (!message.ok()) return Fail("malformed message: " + json::JoinProblems(message.failure()));
  return Handle(*message);
}

bool ConfigStream::Handle(const meshconfig::Message& message) {
  if (message.hello) return Greet(*message.hello);
  if (pod_.empty()) return Fail("the first message is not hello");
  if (message.subscribe) {
    if (const auto refused = subscriber_.Subscribe(*message.subscribe, peer_.ns))
      return Fail("subscribe: " + *refused);
  } else if (message.unsubscribe) {
    subscriber_.Unsubscribe(*message.unsubscribe);
  } else if (message.ack) {
    if (!subscriber_.Ack(*message.ack)) return Fail("ack of an update that is not under way");
  } else {
    return Fail("a message that only an operator sends");
  }
  Dirty();
  return true;
}

bool ConfigStream::Greet(const meshconfig::Hello& hello) {
  if (!pod_.empty()) return Fail("a second hello");
  for (const std::string& name : {hello.pod, hello.workload}) {
    if (!name.starts_with(peer_.ns + "/") || name.size() <= peer_.ns.size() + 1 || name.size() > 512) {
      return Fail("\"" + name.substr(0, 512) + "\" is not of the namespace " + peer_.ns +
                  " that its certificate proves");
    }
  }
  pod_ = hello.pod;
  workload_ = hello.workload;
  stream_.readiness().SetDeadline(io::kNever);
  host_.Joined(*this);
  return true;
}

void ConfigStream::Dirty() {
  dirty_ = true;
  wake_.Notify();
}

void ConfigStream::Changed(const std::vector<std::string>& names) {
  if (subscriber_.Concerns(names)) Dirty();
}

void ConfigStream::Close(const std::string& why) { Fail(why); }

// Both directions wait on the socket, so its deadline is what ends them.
bool ConfigStream::Fail(const std::string& why) {
  if (why_.empty()) why_ = why;
  stream_.readiness().SetDeadline(loop_.now());
  wake_.Notify();
  return false;
}

SidecarReport ConfigStream::Report() const {
  SidecarReport report{pod_,
                       workload_,
                       {subscriber_.subscribed().begin(), subscriber_.subscribed().end()},
                       subscriber_.held(),
                       {},
                       subscriber_.unanswered()};
  for (const auto& [name, rejection] : subscriber_.rejected()) report.rejected[name] = rejection.reason;
  return report;
}

}  // namespace tulle::control::distribute
