// A record of every write that a node carried out, in a file that outlives the process however it ends: what tests hold
// against what clients were told. One line each, written before the write is acknowledged:
//
//     m 9A3F... 3 0000000F...    role (m: as master, r: as replica, d: a record dropped), digest, generation, bins
//
// Safe from any thread: a line is one system call on a file opened to append.
#pragma once

#include <string>

#include "store/record.h"

namespace aero_server {

class write_log {
  public:
    write_log() = default;
    ~write_log();
    write_log(const write_log&) = delete;
    write_log& operator=(const write_log&) = delete;

    std::string open(const std::string& path);  // empty, or what is wrong
    void wrote(char role, const record& state) const;
    void dropped(const aero::wire::digest& key) const;

  private:
    int fd_ = -1;  // -1: nothing is logged
};

}  // namespace aero_server
