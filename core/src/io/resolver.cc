#include "io/resolver.h"

#include <netdb.h>
#include <netinet/in.h>

#include <cstring>
#include <deque>
#include <mutex>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

#include "base/threads.h"
#include "io/signals.h"

namespace aero::io {

struct resolver::shared {
    struct question {
        uint32_t id;
        std::string host;
        uint16_t port;
    };
    std::shared_ptr<wake_up> wake;
    std::mutex mutex;
    // Guarded by `mutex`.
    std::deque<question> waiting;
    std::vector<answer> answers;
    unsigned workers = 0;
    bool ended = false;

    // Without memory for the answer there is none: whoever asked gives up at a time of its own.
    static std::optional<answer> try_to_look_up(const question& which) noexcept {
        try {
            return look_up(which.id, which.host, which.port);
        } catch (const std::bad_alloc&) {
            return std::nullopt;
        }
    }
    bool keep(answer& found) noexcept {
        try {
            answers.push_back(std::move(found));
            return true;
        } catch (const std::bad_alloc&) {
            return false;
        }
    }

    // By value: the thread keeps what it works on alive. NOLINTNEXTLINE(performance-unnecessary-value-param)
    static void work(std::shared_ptr<shared> self) {
        std::unique_lock lock(self->mutex);
        while (!self->waiting.empty() && !self->ended) {
            const question next = std::move(self->waiting.front());
            self->waiting.pop_front();
            lock.unlock();
            std::optional<answer> found = try_to_look_up(next);
            lock.lock();
            if (found && self->keep(*found)) self->wake->signal();
        }
        --self->workers;
    }
};

resolver::resolver(std::shared_ptr<wake_up> wake) : shared_(std::make_shared<shared>()) {
    shared_->wake = std::move(wake);
}

resolver::~resolver() {
    const std::lock_guard lock(shared_->mutex);
    shared_->ended = true;
}

void resolver::ask(uint32_t id, std::string host, uint16_t port) {
    const std::lock_guard lock(shared_->mutex);
    shared_->waiting.push_back({id, std::move(host), port});
    if (shared_->workers == workers_max) return;
    const signals_blocked blocked;
    try {
        thread(shared::work, shared_).detach();
        ++shared_->workers;
    } catch (const std::system_error&) {
        if (shared_->workers > 0) return;  // one that runs will come to it
        shared_->waiting.pop_back();
        shared_->answers.push_back({id, {}, "no thread could be started to look its name up"});
        shared_->wake->signal();
    }
}

std::vector<resolver::answer> resolver::take() {
    const std::lock_guard lock(shared_->mutex);
    return std::exchange(shared_->answers, {});
}

resolver::answer look_up(uint32_t id, const std::string& host, uint16_t port) {
    resolver::answer made{.id = id, .found = {}, .why = {}};
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    const int status = getaddrinfo(host.c_str(), nullptr, &hints, &list);
    if (status != 0) {
        made.why = "its name was not resolved: " + std::string(gai_strerror(status));
        return made;
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> freed(list, freeaddrinfo);
    for (const addrinfo* at = list; at != nullptr && made.found.size() < resolver::addresses_max; at = at->ai_next) {
        endpoint found;
        if (at->ai_addrlen > sizeof found.address) continue;
        found.host = host;
        found.port = port;
        std::memcpy(&found.address, at->ai_addr, at->ai_addrlen);
        found.address_size = at->ai_addrlen;
        if (at->ai_family == AF_INET) {
            reinterpret_cast<sockaddr_in&>(found.address).sin_port = htons(port);
        } else if (at->ai_family == AF_INET6) {
            reinterpret_cast<sockaddr_in6&>(found.address).sin6_port = htons(port);
        } else {
            continue;
        }
        made.found.push_back(std::move(found));
    }
    if (made.found.empty()) made.why = "its name has no address";
    return made;
}

}  // namespace aero::io
