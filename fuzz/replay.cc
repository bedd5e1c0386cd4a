#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

// Feeds a fuzz target without libFuzzer: every file of the corpus, then one second of mutations of them.
// Always the same mutations, so that a failure comes back.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr std::chrono::seconds kBudget{1};
constexpr size_t kMaxBytes = 1 << 16;

constexpr unsigned kMaxSeconds = 10;  // for one input: what takes longer is a failure too

const std::string* current = nullptr;

// Async-signal-safe: leaves the input behind that crashed or hung.
void SaveInput(int signal_number) {
  const int fd = open("fuzz-failure", O_CREAT | O_WRONLY | O_TRUNC, 0644);
  const ssize_t written = current == nullptr ? 0 : write(fd, current->data(), current->size());
  constexpr char kMessage[] = "the input that failed is in ./fuzz-failure\n";
  const ssize_t told = write(2, kMessage, sizeof(kMessage) - 1);
  _exit(written >= 0 && told >= 0 ? 128 + signal_number : 1);
}

void Feed(const std::string& input) {
  current = &input;
  alarm(kMaxSeconds);
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
  alarm(0);
}

std::string Mutate(std::string input, const std::vector<std::string>& corpus, std::mt19937& random) {
  const auto below = [&random](size_t bound) { return bound == 0 ? 0 : random() % bound; };
  for (size_t steps = 1 + below(4); steps > 0; --steps) {
    const size_t at = below(input.size() + 1);
    const std::string& other = corpus[below(corpus.size())];
    switch (below(6)) {
      case 0:
        if (at < input.size()) input[at] = static_cast<char>(random());
        break;
      case 1:
        input.insert(at, 1, "{}[]\",:\\0-eE.\xff\n "[below(17)]);
        break;
      case 2:
        input.erase(at, below(16));
        break;
      case 3:
        input.insert(at, other.substr(below(other.size()), below(64)));
        break;
      case 4:
        input.insert(at, input.substr(below(input.size() + 1), below(64)));
        break;
      default:
        input.resize(at);
    }
    if (input.size() > kMaxBytes) input.resize(kMaxBytes);
  }
  return input;
}

std::vector<std::string> Corpus(const char* folder) {
  std::vector<std::string> corpus = {""};
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::ifstream in(entry.path(), std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return corpus;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
    return 2;
  }
  for (const int signal_number : {SIGABRT, SIGSEGV, SIGFPE, SIGALRM}) std::signal(signal_number, SaveInput);
  const std::vector<std::string> corpus = Corpus(argv[1]);
  for (const std::string& input : corpus) Feed(input);
  std::mt19937 random(1);  // NOLINT: a failure must come back
  const auto end = std::chrono::steady_clock::now() + kBudget;
  size_t runs = 0;
  for (; std::chrono::steady_clock::now() < end; ++runs) {
    Feed(Mutate(corpus[random() % corpus.size()], corpus, random));
  }
  std::printf("%zu files, %zu mutations\n", corpus.size(), runs);
  return 0;
}
