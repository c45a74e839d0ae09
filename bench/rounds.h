// What the measured C++ programs share: the records of the workload, one round as the runner asks for it, and its
// figures. One thread; a program reads commands on standard input and answers each with one line of JSON.
//
//     describe
//     OP KEYS CALLS LANES      followed by one line per call: KEYS pairs of "set number", the same keys that every
//                              other client is given
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace aero::bench {

constexpr std::string_view name_space = "test";
constexpr uint32_t timeout_ms = 5000;

[[noreturn]] inline void give_up(const char* what) {
    std::perror(what);
    std::exit(1);
}

inline int64_t clock_ns(clockid_t which) {
    timespec now{};
    clock_gettime(which, &now);
    return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

inline std::string numbered(const char* format, unsigned number) {
    char text[32];
    std::snprintf(text, sizeof text, format, number);
    return text;
}

struct record_name {
    unsigned set = 0;
    unsigned number = 0;
    std::string set_name() const { return numbered("fv_%u", set); }
    std::string user_key() const { return numbered("user_%06u", number); }
};
using names = std::vector<record_name>;

struct round {
    std::string op;  // "get", "put", "batch", "answer" or "describe"
    unsigned keys = 1;
    unsigned calls = 1;
    unsigned lanes = 0;  // of the digests; 0: what the processor offers
    std::vector<names> wanted;
};

inline bool read_round(round& to) {
    std::string line;
    if (!std::getline(std::cin, line)) return false;
    to = {};
    std::istringstream words(line);
    words >> to.op >> to.keys >> to.calls >> to.lanes;
    if (to.op == "describe") return true;
    for (unsigned i = 0; i < to.calls && std::getline(std::cin, line); ++i) {
        names call(to.keys);
        std::istringstream numbers(line);
        for (record_name& one : call) numbers >> one.set >> one.number;
        to.wanted.push_back(std::move(call));
    }
    return to.wanted.size() == to.calls;
}

// `lanes` is the width of the digests that the program would choose; 0 for one that hashes beforehand.
inline void describe(unsigned lanes) {
    std::printf("{\"build\": \"%s\", \"lanes\": %u}\n", AERO_BUILD_TYPE, lanes);
    std::fflush(stdout);
}

// Makes `calls` calls, takes the time of each, and prints the figures that bench/measure.py gives for the others.
template <typename Call>
void measure(unsigned calls, size_t reply_bytes_of_one, Call&& call) {
    std::vector<int64_t> latencies(calls);
    const int64_t cpu_start = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    const int64_t start = clock_ns(CLOCK_MONOTONIC);
    for (unsigned i = 0; i < calls; ++i) {
        const int64_t before = clock_ns(CLOCK_MONOTONIC);
        call(i);
        latencies[i] = clock_ns(CLOCK_MONOTONIC) - before;
    }
    const auto wall_ns = static_cast<double>(clock_ns(CLOCK_MONOTONIC) - start);
    const auto cpu_ns = static_cast<double>(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu_start);
    std::sort(latencies.begin(), latencies.end());
    const auto at = [&](size_t index) {
        return static_cast<double>(latencies[std::min<size_t>(index, calls - 1)]) / 1e3;
    };
    const double each = calls;
    std::printf(
        "{\"calls\": %u, \"p50_us\": %.3f, \"p99_us\": %.3f, \"cpu_us\": %.3f, \"per_s\": %.0f, "
        "\"reply_bytes\": %zu}\n",
        calls, at(calls / 2), at(calls * size_t{99} / 100), cpu_ns / 1e3 / each, each * 1e9 / wall_ns,
        reply_bytes_of_one);
    std::fflush(stdout);
}

}  // namespace aero::bench
