#include "sidecar/overload/memory.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace tulle::sidecar::overload {
namespace {

// What version 1 calls no limit is the largest multiple of a page.
constexpr uint64_t kNoLimit = uint64_t{1} << 62;

std::string_view NextLine(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

}  // namespace

HeldFile::HeldFile(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}

HeldFile& HeldFile::operator=(HeldFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

HeldFile::~HeldFile() {
  if (fd_ >= 0) close(fd_);
}

std::string HeldFile::Read() const {
  std::array<char, 8192> text;
  const ssize_t got = fd_ < 0 ? 0 : pread(fd_, text.data(), text.size(), 0);
  return {text.data(), static_cast<size_t>(std::max<ssize_t>(0, got))};
}

std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc()) return std::nullopt;
  return value;
}

CgroupPath ParseCgroups(std::string_view text) {
  CgroupPath found;
  while (!text.empty()) {
    const std::string_view line = NextLine(text);
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string controllers = "," + std::string(line.substr(first + 1, second - first - 1)) + ",";
    if (controllers.find(",memory,") != std::string::npos)
      return {true, std::string(line.substr(second + 1))};
    if (controllers == ",,") found.path = line.substr(second + 1);
  }
  return found;
}

uint64_t ParseStat(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const std::string_view line = NextLine(text);
    if (line.size() <= name.size() || !line.starts_with(name) || line[name.size()] != ' ') continue;
    return ParseNumber(line.substr(name.size() + 1)).value_or(0);
  }
  return 0;
}

MemoryMeter::MemoryMeter(uint64_t limit, const std::string& root)
    : fixed_limit_(limit), own_(root + "/proc/self/statm") {
  if (limit > 0) return;
  const CgroupPath cgroup = ParseCgroups(HeldFile(root + "/proc/self/cgroup").Read());
  const std::string mount = root + "/sys/fs/cgroup" + (cgroup.v1 ? "/memory" : "");
  const char* limit_name = cgroup.v1 ? "memory.limit_in_bytes" : "memory.max";
  const char* usage_name = cgroup.v1 ? "memory.usage_in_bytes" : "memory.current";
  // In a container the cgroup is often mounted as if it were the root, whatever its path outside.
  if (!Open(mount + cgroup.path, limit_name, usage_name)) Open(mount, limit_name, usage_name);
}

bool MemoryMeter::Open(const std::string& folder, const char* limit, const char* usage) {
  limit_ = HeldFile(folder + "/" + limit);
  usage_ = HeldFile(folder + "/" + usage);
  stat_ = HeldFile(folder + "/memory.stat");
  processes_ = HeldFile(folder + "/cgroup.procs");
  return limit_.open() && usage_.open();
}

uint64_t MemoryMeter::Limit(std::string_view stat) const {
  const uint64_t own = ParseNumber(limit_.Read()).value_or(0);
  const uint64_t above = ParseStat(stat, "hierarchical_memory_limit");
  const uint64_t limit = own == 0 || above == 0 ? std::max(own, above) : std::min(own, above);
  return limit >= kNoLimit ? 0 : limit;
}

Usage MemoryMeter::Read() const {
  const std::string own = own_.Read();
  const uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t resident = page * ParseNumber(std::string_view(own).substr(own.find(' ') + 1)).value_or(0);
  if (fixed_limit_ > 0) return {resident, fixed_limit_};

  const std::string stat = stat_.Read();
  const uint64_t limit = Limit(stat);
  if (limit == 0) return {resident, 0};
  // Pages of files that nobody used lately are given up before anybody has to die.
  const uint64_t given_up =
      std::max(ParseStat(stat, "inactive_file"), ParseStat(stat, "total_inactive_file"));
  const uint64_t usage = ParseNumber(usage_.Read()).value_or(0);
  const uint64_t used = usage - std::min(usage, given_up);
  // In a cgroup of our own everything is on our account, also what the kernel keeps for our sockets. Where
  // others live as well, only that counts which refusing traffic could spare.
  const std::string processes = processes_.Read();
  const bool alone = std::count(processes.begin(), processes.end(), '\n') == 1;
  if (alone || used <= resident) return {used, limit};
  const uint64_t others = used - resident;
  return {resident, others >= limit ? resident : limit - others};
}

}  // namespace tulle::sidecar::overload
