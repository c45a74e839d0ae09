#include "calls/life_cycle.h"

#include <pthread.h>

#include "calls/attach.h"
#include "calls/logs.h"
#include "calls/signal_hook.h"
#include "errors.h"

namespace aero::py {
namespace {

unsigned current_generation = 0;  // written by the fork handler only, when the child has one thread

std::mutex list_mutex;
life_cycle* first = nullptr;

// What `connect` was given wins over the config.
bool take_credentials(parsed_config& config, PyObject* user, PyObject* password) {
    for (PyObject* each : {user, password}) {
        if (each == nullptr || each == Py_None || PyUnicode_Check(each)) continue;
        PyErr_Format(PyExc_TypeError, "username and password must be str, not %s", Py_TYPE(each)->tp_name);
        return false;
    }
    const auto chosen = [](PyObject* argument, const ref& configured) -> PyObject* {
        if (argument != nullptr && argument != Py_None) return argument;
        return configured && configured.get() != Py_None ? configured.get() : nullptr;
    };
    PyObject* const who = chosen(user, config.user);
    PyObject* const proof = chosen(password, config.password);
    client_config& native = config.native;
    native.user.clear();
    native.password.clear();
    if (who == nullptr) return true;
    if (proof == nullptr && native.auth != auth_mode::pki) {
        raise_client_error("a username without a password: give both, or neither");
        return false;
    }
    std::string_view text;
    if (!text_of(who, text)) return false;
    native.user = text;
    if (proof == nullptr) return true;
    if (!text_of(proof, text)) return false;
    native.password = secret(text);
    return true;
}

std::string host_list(const client_config& config) {
    std::string text;
    for (const host& each : config.hosts) {
        if (!text.empty()) text += ", ";
        text += each.name + ":" + std::to_string(each.port);
    }
    return text;
}

}  // namespace

// Locks that other threads of the parent hold stay locked in the child for ever: the forking thread takes ours before.
struct fork_handler {
    static void before() {
        list_mutex.lock();
        for (life_cycle* each = first; each != nullptr; each = each->next_) each->mutex_.lock();
    }
    static void after_in_parent() {
        for (life_cycle* each = first; each != nullptr; each = each->next_) each->mutex_.unlock();
        list_mutex.unlock();
    }
    static void after_in_child() {
        ++current_generation;
        after_in_parent();
    }
};

unsigned fork_generation() noexcept { return current_generation; }

bool init_life_cycle() {
    static bool installed = false;
    if (installed) return true;
    if (pthread_atfork(fork_handler::before, fork_handler::after_in_parent, fork_handler::after_in_child) != 0) {
        PyErr_SetString(PyExc_ImportError, "aerospike_py: no memory for a fork handler");
        return false;
    }
    installed = true;
    return true;
}

life_cycle::life_cycle() {
    const std::lock_guard held(list_mutex);
    next_ = first;
    if (first != nullptr) first->previous_ = this;
    first = this;
}

life_cycle::~life_cycle() {
    const std::lock_guard held(list_mutex);
    (previous_ == nullptr ? first : previous_->next_) = next_;
    if (next_ != nullptr) next_->previous_ = previous_;
}

bool life_cycle::begin_connect(PyObject* user, PyObject* password) {
    life_state expected = life_state::disconnected;
    if (!state_.compare_exchange_strong(expected, life_state::connecting, std::memory_order_acq_rel)) {
        switch (expected) {
            case life_state::connected: raise_client_error("Client is already connected. Call close() first."); break;
            case life_state::connecting: raise_client_error("Client is currently connecting."); break;
            default: raise_client_error("Client is currently closing."); break;
        }
        return false;
    }
    if (!config.hosts) {
        state_.store(life_state::disconnected, std::memory_order_release);
        raise_client_error("the client has no config: a subclass must call super().__init__(config)");
        return false;
    }
    std::vector<host> hosts;
    if (!take_credentials(config, user, password) || !parse_hosts(config.hosts.get(), hosts)) {
        state_.store(life_state::disconnected, std::memory_order_release);
        return false;
    }
    config.native.hosts = std::move(hosts);
    return true;
}

result<client> life_cycle::open(const client_config& config, interrupt_hook* interrupt) {
    return client::open(config, interrupt);
}

bool life_cycle::end_connect(result<client>&& opened) {
    if (!opened) {
        state_.store(life_state::disconnected, std::memory_order_release);
        raise(opened.error(), "connect");
        return false;
    }
    {
        const std::lock_guard held(mutex_);
        client_.emplace(std::move(*opened));
    }
    generation_.store(current_generation, std::memory_order_relaxed);
    state_.store(life_state::connected, std::memory_order_release);
    log_event(log::level::info, "connected to " + host_list(config.native));
    return true;
}

void life_cycle::drop_connect(result<client>&& opened) noexcept {
    if (opened) {
        const gil_detached detached;
        opened->close();
    }
    state_.store(life_state::disconnected, std::memory_order_release);
}

void life_cycle::take_handle(std::optional<client>& to) noexcept {
    const std::lock_guard held(mutex_);
    to.swap(client_);
}

bool life_cycle::begin_close(std::optional<client>& to_close) {
    life_state expected = life_state::connected;
    if (!state_.compare_exchange_strong(expected, life_state::closing, std::memory_order_acq_rel)) {
        if (expected != life_state::connecting) return true;
        raise_client_error("Client is currently connecting. Wait for connect() before calling close().");
        return false;
    }
    take_handle(to_close);
    if (to_close && generation() != current_generation) {
        to_close->abandon_after_fork();
        to_close.reset();
    }
    if (!to_close) end_close();
    return true;
}

void life_cycle::end_close() noexcept {
    state_.store(life_state::disconnected, std::memory_order_release);
    log_event(log::level::debug, "closed");
}

void life_cycle::abandon() noexcept {
    std::optional<client> old;
    take_handle(old);
    if (!old) return;
    if (generation() != current_generation) {
        old->abandon_after_fork();
    } else {
        const gil_detached detached;
        old->close();
    }
    state_.store(life_state::disconnected, std::memory_order_release);
}

std::optional<client> life_cycle::handle() {
    if (now() == life_state::connected) {
        if (generation() != current_generation) return reconnect_after_fork();
        const std::lock_guard held(mutex_);
        if (client_) return client_;
    }
    raise_client_error("Client is not connected. Call connect() first.");
    return std::nullopt;
}

std::optional<client> life_cycle::reconnect_after_fork() {
    life_state expected = life_state::connected;
    if (!state_.compare_exchange_strong(expected, life_state::connecting, std::memory_order_acq_rel)) {
        raise_client_error("Client is being reconnected after a fork by another thread; call again.");
        return std::nullopt;
    }
    std::optional<client> old;
    take_handle(old);
    if (old) old->abandon_after_fork();
    old.reset();
    std::optional<result<client>> opened;
    bool interrupted = false;
    {
        gil_detached detached;
        signal_hook signals(detached);
        opened.emplace(open(config.native, &signals));
        interrupted = signals.raised();
    }
    if (interrupted) return drop_connect(std::move(*opened)), std::nullopt;
    if (!end_connect(std::move(*opened))) return std::nullopt;
    const std::lock_guard held(mutex_);
    return client_;
}

void close_all_clients() noexcept {
    // One at a time: a client may go while the lock is not held.
    for (;;) {
        std::optional<client> open;
        unsigned born = 0;
        {
            const std::lock_guard held(list_mutex);
            for (life_cycle* each = first; each != nullptr && !open; each = each->next_) {
                each->take_handle(open);
                if (!open) continue;
                born = each->generation();
                each->state_.store(life_state::disconnected, std::memory_order_release);
            }
        }
        if (!open) return;
        if (born != current_generation) {
            open->abandon_after_fork();
            continue;
        }
        const gil_detached detached;
        open->close();
    }
}

}  // namespace aero::py
