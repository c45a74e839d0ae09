// Log records of the core, kept in a bounded ring until somebody drains them. The core never prints.
//
// Threads: `write` and `drain` from any thread. A full ring drops the new record and counts it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace aero::log {

enum class level : int8_t { off = -1, error = 0, warn = 1, info = 2, debug = 3, trace = 4 };

struct record {
    level severity;
    std::string logger;  // "aerospike_core::cluster" and its kin
    std::string text;
};

void set_level(level most_verbose) noexcept;
bool wants(level severity) noexcept;  // one relaxed load
void write(level severity, std::string_view logger, std::string text) noexcept;
bool pending() noexcept;  // one relaxed load: is there something to drain
std::vector<record> drain();
uint64_t dropped() noexcept;  // since process start

}  // namespace aero::log
