// The simulator's command line:
//
//     aero_simulator --seeds N [--first F] [--jobs J]     runs N seeds, shrinks the first that fail
//                    [--seconds T]                        goes on with further seeds until the time is over
//     aero_simulator --seed S [--without I,I,...]         runs one and tells its story, shrunk when it fails
//     --plant BUG                                         with a bug planted, by its number in base/planted.h
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <sstream>
#include <thread>

#include "testing/sim_plan.h"
#include "testing/sim_runner.h"

namespace aero::tests {
namespace {

constexpr size_t failing_shown = 3;

struct options {
    sim_series series;
    sim_task task;
    bool one = false;
    time_t seconds = 0;
};

std::set<unsigned> numbers_in(const std::string& text) {
    std::set<unsigned> made;
    std::istringstream from(text);
    for (std::string each; std::getline(from, each, ',');)
        made.insert(static_cast<unsigned>(std::strtoul(each.c_str(), nullptr, 10)));
    return made;
}

bool read_options(int count, char** words, options& into) {
    into.series.at_once = std::max(1u, std::thread::hardware_concurrency());
    for (int i = 1; i < count; ++i) {
        const std::string name = words[i];
        if (i + 1 == count) return false;
        const char* value = words[++i];
        const uint64_t number = std::strtoull(value, nullptr, 10);
        if (name == "--seeds") {
            into.series.count = number;
        } else if (name == "--first") {
            into.series.first = number;
        } else if (name == "--jobs") {
            into.series.at_once = static_cast<unsigned>(number);
        } else if (name == "--plant") {
            into.series.bug = into.task.bug = static_cast<planted_bug>(number);
        } else if (name == "--seconds") {
            into.seconds = static_cast<time_t>(number);
        } else if (name == "--seed") {
            into.one = true;
            into.task.seed = number;
        } else if (name == "--without") {
            into.task.without = numbers_in(value);
        } else {
            return false;
        }
    }
    return into.series.count > 0 && into.series.at_once > 0;
}

// The slower of what has to be reached: runs, seconds.
void show_progress(const options& of, uint64_t done, size_t failed, time_t spent) {
    constexpr uint64_t width = 40;
    static uint64_t shown = width + 1;
    uint64_t filled = std::min(done * width / of.series.count, width);
    if (of.seconds > 0)
        filled = std::min(filled, static_cast<uint64_t>(spent) * width / static_cast<uint64_t>(of.seconds));
    const bool terminal = isatty(STDOUT_FILENO) != 0;
    if (filled == shown && (!terminal || done % 50 != 0)) return;
    shown = filled;
    const std::string bar = std::string(filled, '#') + std::string(width - filled, '.');
    std::printf("%s[%s] %llu runs, %zu failed, %ld s%s", terminal ? "\r" : "", bar.c_str(),
                static_cast<unsigned long long>(done), failed, static_cast<long>(spent), terminal ? "" : "\n");
    std::fflush(stdout);
}

void show_failure(const sim_verdict& of) {
    std::printf("  seed %llu, %s: %s\n", static_cast<unsigned long long>(of.seed), of.kind.c_str(), of.text.c_str());
    std::fflush(stdout);
}

// Shrinks a failing run and tells what is left of it.
void tell_story(sim_task task, const std::string& kind) {
    const size_t all = items_of(task);
    task = shrink(std::move(task), kind);
    std::printf("\nseed %llu, of whose %zu calls and faults %zu are needed:\n",
                static_cast<unsigned long long>(task.seed), all, all - task.without.size());
    task.story = true;
    const sim_verdict again = run_one(task);
    std::printf("%s: %s\n", again.kind.c_str(), again.text.c_str());
    std::printf("replay: make simulate SEED=%llu\n", static_cast<unsigned long long>(task.seed));
}

int run_many(const options& chosen) {
    std::vector<sim_verdict> failing;
    sim_verdict sum;
    uint64_t done = 0;
    const auto began = std::chrono::steady_clock::now();
    sim_series series = chosen.series;
    if (chosen.seconds > 0) series.count = UINT32_MAX;
    run_series(series, [&](const sim_verdict& each) {
        ++done;
        sum.calls += each.calls;
        sum.ok += each.ok;
        sum.failed += each.failed;
        sum.doubtful += each.doubtful;
        sum.cancelled += each.cancelled;
        if (!each.good()) show_failure(each), failing.push_back(each);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
        const auto spent = static_cast<time_t>(took.count());
        show_progress(chosen, done, failing.size(), spent);
        return done < chosen.series.count || spent < chosen.seconds;
    });
    std::printf(
        "\n%llu runs, %llu calls: %llu answered, %llu failed as they should, %llu writes in doubt; %zu runs failed\n",
        static_cast<unsigned long long>(done), static_cast<unsigned long long>(sum.calls),
        static_cast<unsigned long long>(sum.ok), static_cast<unsigned long long>(sum.failed),
        static_cast<unsigned long long>(sum.doubtful), failing.size());
    for (const sim_verdict& each : failing) show_failure(each);
    for (size_t i = 0; i < std::min(failing.size(), failing_shown); ++i)
        tell_story({.seed = failing[i].seed, .without = {}, .bug = chosen.series.bug}, failing[i].kind);
    return failing.empty() ? 0 : 1;
}

int run_alone(const options& chosen) {
    const sim_verdict verdict = run_one(chosen.task);
    if (!verdict.good()) {
        tell_story(chosen.task, verdict.kind);
        return 1;
    }
    sim_task told = chosen.task;
    told.story = true;
    run_one(told);
    std::printf("seed %llu: every promise was kept\n", static_cast<unsigned long long>(verdict.seed));
    return 0;
}

}  // namespace
}  // namespace aero::tests

int main(int count, char** words) {
    aero::tests::options chosen;
    if (!aero::tests::read_options(count, words, chosen)) {
        std::fprintf(stderr,
                     "usage: aero_simulator --seeds N [--first F] [--jobs J] [--seconds T] | --seed S [--without I,I]; "
                     "--plant B\n");
        return 2;
    }
    return chosen.one ? aero::tests::run_alone(chosen) : aero::tests::run_many(chosen);
}
