#include "testing/sim_runner.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <map>
#include <sstream>

#include "testing/sim_planted.h"
#include "testing/simulation.h"

namespace aero::tests {
namespace {

constexpr std::chrono::seconds longest{60};  // of real time, of one run
constexpr unsigned shrinks_max = 600;
constexpr std::chrono::minutes shrinking_max{2};  // a run that hangs takes its whole time whenever it is tried

void write_verdict(int to, const simulation& done) {
    std::ostringstream text;
    const sim_judge::figures& counted = done.counted();
    text << done.trace() << ' ' << counted.calls << ' ' << counted.ok << ' ' << counted.failed << ' '
         << counted.doubtful << ' ' << counted.cancelled << ' ';
    if (!done.failures().empty()) text << done.failures().front().kind << ' ' << done.failures().front().text;
    const std::string line = text.str();
    for (size_t at = 0; at < line.size();) {
        const ssize_t written = write(to, line.data() + at, line.size() - at);
        if (written <= 0) _exit(3);
        at += static_cast<size_t>(written);
    }
}

[[noreturn]] void work(const sim_task& task, int to) {
    planted_now = task.bug;
    sim_plan plan = sim_plan::draw(task.seed);
    plan.leave_out(task.without);
    simulation run(std::move(plan));
    std::function<void(const std::string&)> story;
    if (task.story)
        story = [](const std::string& line) {
            std::printf("%s\n", line.c_str());
            std::fflush(stdout);  // it may be the last
        };
    run.run(story);
    std::fflush(stdout);
    write_verdict(to, run);
    _exit(0);
}

class child {
  public:
    explicit child(sim_task task) : task_(std::move(task)), began_(std::chrono::steady_clock::now()) {
        prepare_tls();
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
        std::fflush(stdout);
        pid_ = fork();
        if (pid_ < 0) std::abort();
        if (pid_ == 0) work(task_, ends[1]);
        ::close(ends[1]);
        from_ = ends[0];
    }
    int from() const noexcept { return from_; }
    bool late() const noexcept { return std::chrono::steady_clock::now() - began_ > longest; }

    // True when it has ended; then `verdict` may be asked.
    bool hear() {
        std::array<char, 4096> some;
        const ssize_t got = read(from_, some.data(), some.size());
        if (got > 0) {
            said_.append(some.data(), static_cast<size_t>(got));
            return false;
        }
        return true;
    }
    sim_verdict verdict() {
        const bool killed = late() && kill(pid_, SIGKILL) == 0;
        int status = 0;
        waitpid(pid_, &status, 0);
        ::close(from_);
        sim_verdict made{.seed = task_.seed};
        if (killed) {
            made.kind = "hang";
            made.text = "ran for more than " + std::to_string(longest.count()) + " s";
        } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            made.kind = "crash";
            made.text = WIFSIGNALED(status) ? "ended by signal " + std::to_string(WTERMSIG(status))
                                            : "ended with status " + std::to_string(WEXITSTATUS(status));
        } else {
            std::istringstream text(said_);
            text >> made.trace >> made.calls >> made.ok >> made.failed >> made.doubtful >> made.cancelled >> made.kind;
            std::getline(text >> std::ws, made.text);
        }
        return made;
    }

  private:
    sim_task task_;
    std::chrono::steady_clock::time_point began_;
    pid_t pid_ = -1;
    int from_ = -1;
    std::string said_;
};

}  // namespace

sim_verdict run_one(const sim_task& task) {
    child one(task);
    while (!one.late()) {
        pollfd entry{.fd = one.from(), .events = POLLIN, .revents = 0};
        if (poll(&entry, 1, 1000) > 0 && one.hear()) break;
    }
    return one.verdict();
}

void run_series(const sim_series& what, const std::function<bool(const sim_verdict&)>& each) {
    std::vector<std::unique_ptr<child>> running;
    uint64_t next = what.first;
    const uint64_t end = what.first + what.count;
    bool going = true;
    while ((going && next < end) || !running.empty()) {
        while (going && next < end && running.size() < what.at_once)
            running.push_back(std::make_unique<child>(sim_task{.seed = next++, .without = {}, .bug = what.bug}));
        std::vector<pollfd> entries;
        for (const auto& one : running) entries.push_back({.fd = one->from(), .events = POLLIN, .revents = 0});
        poll(entries.data(), entries.size(), 1000);
        for (size_t i = 0; i < entries.size(); ++i) {
            const bool over = (entries[i].revents != 0 && running[i]->hear()) || running[i]->late();
            if (!over) continue;
            const sim_verdict verdict = running[i]->verdict();
            running[i].reset();
            if (going && !each(verdict)) going = false;
        }
        std::erase(running, nullptr);
    }
}

size_t items_of(const sim_task& task) { return sim_plan::draw(task.seed).items.size(); }

sim_task shrink(sim_task failing, const std::string& kind) {
    failing.story = false;
    unsigned tries = 0;
    const auto until = std::chrono::steady_clock::now() + shrinking_max;
    const auto may_try = [&] { return tries < shrinks_max && std::chrono::steady_clock::now() < until; };
    const auto still_fails = [&](const std::set<unsigned>& without) {
        sim_task smaller = failing;
        smaller.without = without;
        ++tries;
        return run_one(smaller).kind == kind;
    };
    const auto total = static_cast<unsigned>(items_of(failing));
    for (unsigned chunk = std::max(1u, total / 2); chunk >= 1 && may_try();) {
        bool dropped = false;
        std::vector<unsigned> left;
        for (unsigned i = 0; i < total; ++i)
            if (!failing.without.contains(i)) left.push_back(i);
        for (size_t at = 0; at < left.size() && may_try(); at += chunk) {
            std::set<unsigned> without = failing.without;
            for (size_t i = at; i < std::min(left.size(), at + chunk); ++i) without.insert(left[i]);
            if (!still_fails(without)) continue;
            failing.without = std::move(without);
            dropped = true;
        }
        if (chunk > 1)
            chunk /= 2;
        else if (!dropped)
            break;
    }
    return failing;
}

}  // namespace aero::tests
