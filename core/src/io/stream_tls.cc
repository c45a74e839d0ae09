// A stream that speaks TLS or has something to say first: the bytes of its session go over the same socket.
#include <algorithm>
#include <array>
#include <cerrno>

#include "base/planted.h"
#include "io/stream.h"

namespace aero::io {

namespace {

// What a session sees of its peer before it was given all that arrived, at most.
constexpr size_t feed_max = 64 << 10;

io_result broken() noexcept { return {.status = io_status::failed, .error_number = EPROTO}; }

}  // namespace

io_result stream::waits(readiness for_what) noexcept {
    awaited_ = for_what;
    return {.status = io_status::would_block};
}

// Sends what is sealed. would_block when some of it has to wait.
io_result stream::flush_sealed() noexcept {
    while (!secure().outgoing().empty()) {
        const io_result done = send_raw(secure().outgoing());
        if (done.status != io_status::ok) return done;
        secure().sent(done.bytes);
    }
    return {};
}

io_result stream::finish_opening() {
    if (tls() != nullptr && !tls()->established()) {
        const io_result state = shake_hands();
        if (state.status != io_status::ok) return state;
    }
    if (extras_->how.words != nullptr) {
        const io_result state = greet();
        if (state.status != io_status::ok) return state;
    }
    if (tls() == nullptr) extras_.reset();
    return {};
}

io_result stream::shake_hands() {
    for (;;) {
        const tls_session::state state = secure().handshake();
        const io_result flushed = flush_sealed();  // an alert that tells the peer why, too
        if (state == tls_session::state::failed || state == tls_session::state::closed) return broken();
        if (flushed.status == io_status::would_block) return waits(readiness::write);
        if (flushed.status != io_status::ok) return flushed;
        if (state == tls_session::state::ok) return {};
        const io_result got = receive_raw({secure().incoming().room(tls_session::feed_size), tls_session::feed_size});
        if (got.status == io_status::would_block) return waits(readiness::read);
        if (got.status == io_status::closed)
            secure().end_of_input();
        else if (got.status != io_status::ok)
            return got;
        secure().incoming().commit(got.bytes);
    }
}

io_result stream::greet() {
    for (;;) {
        while (extras_->greeted < extras_->how.words->output().size()) {
            const io_result done = send_some(extras_->how.words->output().subspan(extras_->greeted));
            if (done.status == io_status::would_block) return waits(readiness::write);
            if (done.status != io_status::ok) return done;
            extras_->greeted += done.bytes;
        }
        const io_result got = receive_some(extras_->how.words->input());
        if (got.status == io_status::would_block) return waits(readiness::read);
        if (got.status != io_status::ok) return got;
        switch (extras_->how.words->received(got.bytes)) {
            case greeting::verdict::more: break;
            case greeting::verdict::again: extras_->greeted = 0; break;
            case greeting::verdict::done: extras_->how.words.reset(); return {};
            case greeting::verdict::refused: return {.status = io_status::failed};
        }
    }
}

error stream::trouble(const io_result& ended) const {
    error why{.what = code::connection};
    const bool refused = ended.status == io_status::failed && ended.error_number == 0;
    if (refused && extras_ != nullptr && extras_->how.words != nullptr) return extras_->how.words->why();
    if (tls() != nullptr && !tls()->why().empty()) {
        why.what = code::tls;
        why.text = "TLS: " + tls()->why();
    } else if (ended.status == io_status::closed) {
        why.text = "the node closed the connection";
    } else {
        why.text = error_text(ended.error_number);
    }
    return why;
}

// Bytes count as sent when the whole of their record is: of half a record the peer can read nothing.
io_result stream::send_sealed(byte_view bytes) {
    if (extras_->unsettled == 0) {
        const tls_session::progress sealed = secure().write(bytes);
        if (sealed.what != tls_session::state::ok) return broken();
        extras_->unsettled = sealed.bytes;
    }
    const io_result flushed = flush_sealed();
    if (flushed.status == io_status::failed || flushed.status == io_status::closed) {
        // An alert that says why may have come before the end: `trouble` tells of it.
        std::array<uint8_t, 1> unwanted{};
        static_cast<void>(receive_sealed(unwanted));
    }
    const bool waits_unseen = flushed.status == io_status::would_block && planted(planted_bug::half_record_counts);
    if (flushed.status != io_status::ok && !waits_unseen) return flushed;
    return {.bytes = std::exchange(extras_->unsettled, 0)};
}

// What the session can give of what has arrived so far. would_block: nothing.
io_result stream::open_arrived(byte_span into) {
    const tls_session::progress opened = secure().read(into);
    if (opened.bytes > 0) return {.bytes = opened.bytes, .arrived = extras_->arrived};
    switch (opened.what) {
        case tls_session::state::ok: return {};
        case tls_session::state::wants_input: return {.status = io_status::would_block};
        case tls_session::state::closed: return {.status = io_status::closed};
        case tls_session::state::failed: break;
    }
    return broken();
}

io_result stream::receive_sealed(byte_span into) {
    size_t opened = 0;
    bool drained = false;  // the last receive took all that had arrived
    for (;;) {
        io_result got = open_arrived(into.subspan(opened));
        if (got.status == io_status::ok) {
            opened += got.bytes;
            if (opened == into.size() || drained) break;
        } else if (got.status != io_status::would_block) {
            if (opened > 0) break;  // told by the next receive
            return got;
        }
        const size_t room = std::clamp(into.size() - opened, tls_session::feed_size, feed_max);
        got = receive_raw({secure().incoming().room(room), room});
        if (got.status == io_status::ok) {
            secure().incoming().commit(got.bytes);
            extras_->arrived = got.arrived;
            drained = got.bytes < room;
            continue;
        }
        if (opened > 0) break;
        return got;
    }
    static_cast<void>(flush_sealed());  // what the session had to answer; the rest of it goes with the next send
    return {.bytes = opened, .arrived = extras_->arrived};
}

io_result stream::receive_sealed_wait(byte_span into, nanos until, nanos now) {
    for (;; now = monotonic_now()) {
        io_result got = open_arrived(into);
        if (got.status != io_status::would_block) return got;
        const size_t room = std::clamp(into.size(), tls_session::feed_size, feed_max);
        got = receive_raw_wait({secure().incoming().room(room), room}, until, now);
        if (got.status != io_status::ok) return got;
        secure().incoming().commit(got.bytes);
        extras_->arrived = got.arrived;
    }
}

// Tickets and the like may come while nobody asks; plain bytes may not.
bool stream::stale_sealed() {
    std::array<uint8_t, 1> byte{};
    return receive_sealed(byte).status != io_status::would_block;
}

}  // namespace aero::io
