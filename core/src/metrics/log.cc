#include "aero/log.h"

#include <pthread.h>

#include <atomic>
#include <cstddef>
#include <mutex>
#include <utility>

#include "metrics/counters.h"

namespace aero::log {

namespace {

constexpr size_t records_max = 1024;
constexpr size_t text_bytes_max = 2048;  // a longer text is cut

std::atomic<level> most_verbose_wanted{level::info};
std::atomic<bool> something_waits{false};

struct queue {
    std::mutex lock;
    std::vector<record> records;  // guarded by lock

    queue() {
        // A child of fork() must not find the lock held by a thread that it does not have.
        pthread_atfork([] { instance().lock.lock(); }, [] { instance().lock.unlock(); },
                       [] { instance().lock.unlock(); });
    }
    // Never destroyed: threads may write while the process ends.
    static queue& instance() {
        static queue* const only = new queue;
        return *only;
    }
};

}  // namespace

void set_level(level most_verbose) noexcept { most_verbose_wanted.store(most_verbose, std::memory_order_relaxed); }

bool wants(level severity) noexcept {
    return severity != level::off && severity <= most_verbose_wanted.load(std::memory_order_relaxed);
}

void write(level severity, std::string_view logger, std::string text) noexcept {
    if (!wants(severity)) return;
    try {
        if (text.size() > text_bytes_max) {
            size_t end = text_bytes_max;
            while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // between characters
            text.resize(end);
            text += "...";
        }
        record made{.severity = severity, .logger = std::string(logger), .text = std::move(text)};
        queue& kept = queue::instance();
        const std::lock_guard guard(kept.lock);
        if (kept.records.size() < records_max) {
            kept.records.push_back(std::move(made));
            something_waits.store(true, std::memory_order_relaxed);
            return;
        }
    } catch (const std::bad_alloc&) {  // counted like a full ring
    }
    metrics::count(metrics::event::log_dropped);
}

bool pending() noexcept { return something_waits.load(std::memory_order_relaxed); }

std::vector<record> drain() {
    std::vector<record> taken;
    queue& kept = queue::instance();
    const std::lock_guard guard(kept.lock);
    taken.swap(kept.records);
    something_waits.store(false, std::memory_order_relaxed);
    return taken;
}

uint64_t dropped() noexcept { return metrics::count_of(metrics::event::log_dropped); }

}  // namespace aero::log
