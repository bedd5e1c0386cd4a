#pragma once

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "lib/io/stream.h"

// Connections in memory, and the loop on which the targets of connections run.
namespace tulle::fuzz {

inline void Require(bool holds) {
  if (!holds) std::abort();
}

inline io::Loop& TheLoop() {
  static io::Loop loop;
  return loop;
}

// Runs `task` to its end, the loop with it.
inline io::Task<void> ThenStop(io::Task<void> task) {
  co_await task;
  TheLoop().Stop();
}
inline void Do(io::Task<void> task) {
  TheLoop().Spawn(ThenStop(std::move(task)));
  TheLoop().Run();
}

// Bytes on their way; the far side gets them in pieces of at most `piece`, one after each of its pauses.
struct Pipe {
  void Add(std::string_view more, bool last) {
    bytes += more;
    ended |= last;
    if (reader != nullptr) TheLoop().AtEndOfTurn(*reader);
  }

  std::string bytes;
  size_t read = 0;
  size_t piece = SIZE_MAX;
  bool ended = false;
  io::TurnHook* reader = nullptr;
};

// Reads one pipe and writes another (or nothing).
class MemoryStream final : public io::Stream, public io::Readiness, private io::TurnHook {
 public:
  MemoryStream(std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out)
      : io::Readiness(TheLoop()), in_(std::move(in)), out_(std::move(out)) {
    in_->reader = this;
  }
  ~MemoryStream() {
    in_->reader = nullptr;
    ShutdownWrite();
  }

  io::IoResult TryRead(std::span<char> into) override {
    const size_t left = in_->bytes.size() - in_->read;
    if (left == 0) return {0, in_->ended ? io::Error::kEof : io::Error::kAgain};
    if (pauses_) {
      pauses_ = false;
      loop().AtEndOfTurn(*this);
      return {0, io::Error::kAgain};
    }
    pauses_ = true;
    const size_t bytes = std::min({left, in_->piece, into.size()});
    std::copy_n(in_->bytes.data() + in_->read, bytes, into.data());
    in_->read += bytes;
    return {bytes, io::Error::kNone};
  }
  io::IoResult TryWrite(std::span<const char> from) override {
    if (out_ != nullptr) out_->Add({from.data(), from.size()}, false);
    return {from.size(), io::Error::kNone};
  }
  void ShutdownWrite() override {
    if (out_ != nullptr) out_->Add({}, true);
  }
  io::Readiness& readiness() override { return *this; }

 private:
  void OnEndOfTurn() override { Readable(); }

  std::shared_ptr<Pipe> in_, out_;
  bool pauses_ = false;
};

}  // namespace tulle::fuzz
