#include "store/write_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace aero_server {

namespace {

void append_hex(std::string& to, aero::byte_view bytes) {
    static constexpr char digits[] = "0123456789ABCDEF";
    for (const uint8_t byte : bytes) {
        to += digits[byte >> 4];
        to += digits[byte & 15];
    }
}

void append_line(int fd, std::string line) {
    line += '\n';
    [[maybe_unused]] const ssize_t written = write(fd, line.data(), line.size());
}

}  // namespace

write_log::~write_log() {
    if (fd_ >= 0) close(fd_);
}

std::string write_log::open(const std::string& path) {
    fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    return fd_ >= 0 ? std::string() : path + ": " + std::strerror(errno);
}

void write_log::wrote(char role, const record& state) const {
    if (fd_ < 0) return;
    std::string line(1, role);
    line += ' ';
    append_hex(line, aero::byte_view(state.key));
    line += ' ' + std::to_string(state.generation) + ' ';
    append_hex(line, state.bins());
    append_line(fd_, std::move(line));
}

void write_log::dropped(const aero::wire::digest& key) const {
    if (fd_ < 0) return;
    std::string line = "d ";
    append_hex(line, aero::byte_view(key));
    append_line(fd_, std::move(line));
}

}  // namespace aero_server
