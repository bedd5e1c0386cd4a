#include "sidecar/app/first_bytes.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tulle::sidecar::app {
namespace {

using meshconfig::Protocol;
using std::chrono::milliseconds;

// A client and a server of which neither has spoken yet.
class FirstSpeakerTest : public ::testing::Test {
 protected:
  FirstSpeakerTest() : client_(End(client_fd_)), server_(End(server_fd_)) {}
  ~FirstSpeakerTest() override {
    close(client_fd_);
    close(server_fd_);
  }

  std::unique_ptr<io::Stream> End(int& other) {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    other = fds[1];
    return std::make_unique<io::PlainStream>(std::make_unique<io::Socket>(loop_, fds[0]));
  }
  void Say(int fd, std::string_view text) {
    EXPECT_EQ(write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  Spoken Hear(milliseconds patience, Protocol declared = Protocol::kDetect) {
    loop_.Spawn(HearInto(patience, declared));
    loop_.Run();
    return heard_;
  }
  io::Task<void> HearInto(milliseconds patience, Protocol declared) {
    const exchange::Side client{*client_, client_in_};
    const exchange::Side server{*server_, server_in_};
    const io::TimePoint deadline = io::Clock::now() + patience;
    heard_ = co_await FirstSpeaker(client, server, declared, deadline);
    loop_.Stop();
  }

  io::Loop loop_;
  int client_fd_ = -1, server_fd_ = -1;
  std::unique_ptr<io::Stream> client_, server_;
  io::Buffer client_in_, server_in_;
  Spoken heard_ = Spoken::kHttp;
};

TEST_F(FirstSpeakerTest, TheClientWithARequest) {
  Say(client_fd_, "GET / HTTP/1.1\r\n");
  EXPECT_EQ(Hear(milliseconds(5000)), Spoken::kHttp);
}

TEST_F(FirstSpeakerTest, TheServer) {
  Say(server_fd_, "220 ready\r\n");
  EXPECT_EQ(Hear(milliseconds(5000)), Spoken::kOpaque);
  EXPECT_EQ(server_in_.view(), "220 ready\r\n");
}

TEST_F(FirstSpeakerTest, NobodyUntilPatienceEnds) {
  EXPECT_EQ(Hear(milliseconds(20)), Spoken::kSilent);
  EXPECT_TRUE(client_->readiness().expired());
}

TEST_F(FirstSpeakerTest, NobodySinceThePressureIsTooHigh) {
  loop_.Spawn(HearInto(milliseconds(5000), Protocol::kDetect));
  client_->readiness().Expire();
  loop_.Run();
  EXPECT_EQ(heard_, Spoken::kSilent);
}

TEST_F(FirstSpeakerTest, OnAPortOfHttpTheServerIsNotAsked) {
  Say(server_fd_, "220 ready\r\n");
  EXPECT_EQ(Hear(milliseconds(20), Protocol::kHttp), Spoken::kSilent);
}

}  // namespace
}  // namespace tulle::sidecar::app
