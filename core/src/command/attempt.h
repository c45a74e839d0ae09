// One request on its way to one node and the reply to it: the machine that every driver obeys.
//
// It owns no socket and reads no clock. `resume` takes what happened and says what to do next:
//
//     start ──> send ──sent──> receive ──received──> receive ... ──> finished
//                 └────────────────┴── closed, failed ──────────────────^
//
// One thread at a time. While in flight an attempt belongs to its driver's connection, for the connection owes the peer
// the bytes it began and the peer owes it a reply; the call that wants the answer is only pointed to. A call that ends
// early lets go (`release_owner`): the reply is then read and dropped, so that the connection can be used again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "aero/request.h"
#include "base/buffer.h"
#include "base/time.h"
#include "cluster/asked_nodes.h"
#include "cluster/node.h"
#include "wire/message.h"

namespace aero::command {

class call;

// What a node says that takes our session for over.
bool ends_session(code what) noexcept;
// What a node says of a record that another owner may answer, or the same one later.
bool refuses_record(code what) noexcept;

struct event {
    enum class kind : uint8_t { start, sent, received, closed, failed };
    kind what = kind::start;
    size_t bytes = 0;      // sent, received
    int error_number = 0;  // failed
    nanos arrived = 0;     // received: kernel time stamp, 0 when unknown
};

struct action {
    enum class kind : uint8_t { send, receive, finished };
    kind what;
    byte_view output{};  // send: bytes still to go
    byte_span input{};   // receive: where to put what arrives
};

enum class reply_form : uint8_t {
    message,  // one record message
    rows,     // messages of rows until the one marked LAST
    info,     // one info message
    admin,    // one security message
    records,  // security messages of records, until one that has a result
};

// How far the work that an attempt does has come: it goes with the attempt, and back to the call when that ends.
struct standing {
    uint16_t tried = 0;            // attempts that count against max_retries
    uint16_t walked = 0;           // moves to another node
    uint16_t unsent = 0;           // attempts in a row that could not send
    uint16_t doubts = 0;           // attempts that may have written: sent, and not refused by the server
    uint64_t planned_by = 0;       // version of the view that it was planned by last
    cluster::asked_nodes asked{};  // in vain
};

class attempt : public standing {  // before it
  public:
    attempt(call* owner, cluster::node* target, reply_form form, buffer&& request) noexcept;
    ~attempt();
    attempt(const attempt&) = delete;
    attempt& operator=(const attempt&) = delete;

    // Where memory runs out the attempt is `starved` and finished.
    action resume(const event& what, nanos now) noexcept;

    // What the outside may know.
    cluster::node* target() const noexcept { return target_; }
    call* owner() const noexcept { return owner_; }
    bool sent_any() const noexcept { return sent_ > 0; }
    size_t sent() const noexcept { return sent_; }  // bytes
    bool sent_all() const noexcept { return sent_all_; }
    bool finished() const noexcept { return finished_; }
    // The reply arrived whole and nothing beyond it: the connection may carry the next request.
    bool connection_reusable() const noexcept {
        return finished_ && !failure_ && clean_ && !session_over_ && !starved_;
    }
    // The node does not know us any more: nothing was done, and the connection is worth nothing without a new login.
    bool session_over() const noexcept { return session_over_; }
    bool starved() const noexcept { return starved_; }
    const error* failure() const noexcept { return failure_.get(); }
    // An answer about records came whole, so that the time it `took` says something of the node.
    bool timed() const noexcept {
        const bool of_records = form_ == reply_form::message || form_ == reply_form::rows;
        return of_records && !failure_ && !starved_;
    }
    std::unique_ptr<error> take_failure() noexcept { return std::move(failure_); }
    // Of the message, or of the last one of rows and records.
    uint8_t verdict() const noexcept { return verdict_; }
    byte_view request() const noexcept { return request_.view(); }
    byte_view reply() const noexcept { return reply_.view(); }
    // The frames that arrived whole. An attempt still in flight keeps what it needs to find the end of its reply.
    buffer take_reply();
    buffer take_request() noexcept { return std::move(request_); }

    // Sends the request compressed, where that makes it smaller, and takes a compressed answer, where the request asks
    // for one. REQUIRES: not started, wire::can_compress()
    void compress();
    bool sends_compressed() const noexcept;

    // Ends the attempt before it began to send: no connection could be had.
    void fail(code what, std::string text);
    // The call no longer waits. `until` is when a driver gives up draining the connection.
    void release_owner(nanos until) noexcept {
        owner_ = nullptr;
        drain_until = until;
    }
    void come_back() noexcept { owner_ = nullptr; }  // to its call, which has nothing more to hear of it

    // Set by the call that made it.
    std::vector<uint32_t> rows;  // rows asked for, in a batch
    uint32_t answered = 0;       // rows that have come back
    uint16_t chunk = 0;          // names the reply among those of a batch
    nanos deadline = never;      // of this attempt
    nanos turn_over = never;     // when another owner would be asked, had one been known
    nanos drain_until = never;
    bool wants_stamps = false;
    bool is_hedge = false;             // asks beside another, which is slow
    bool overdue = false;              // that time is over, and the call waits to hear of one
    bool late = false;                 // its time, or that of its call, ended without a whole reply
    void* carrier = nullptr;           // the driver's own: what it runs on, null while it waits for a connection
    attempt* let_go_before = nullptr;  // by the same call, and its driver has not asked yet

    nanos next_look_at() const noexcept { return overdue ? deadline : std::min(deadline, turn_over); }

    nanos first_sent_at = 0;  // read from the driver's clock
    nanos arrived_at = 0;     // last byte, kernel time where known
    nanos read_at = 0;
    nanos took() const noexcept { return read_at - first_sent_at; }  // of an answered one

  private:
    struct packing;
    byte_view outgoing() const noexcept;
    bool unpacks() const noexcept;
    bool take_bytes(size_t count);
    bool refuses_compression(byte_view body) const noexcept;
    action after_received(size_t bytes);
    bool take_frames(size_t end);
    bool take_frame(byte_view body, size_t offset);
    bool take_security_frame(byte_view body);
    action finish() noexcept;
    action broken(code what, std::string text);
    action receive_more();

    call* owner_;
    cluster::node* target_;
    buffer request_;
    buffer reply_;
    size_t sent_ = 0;
    size_t frame_start_ = 0;            // of the frame being received, within reply_
    std::unique_ptr<packing> packing_;  // only with compression
    std::unique_ptr<error> failure_;
    reply_form form_;
    uint8_t verdict_ = 0;
    bool sent_all_ = false;
    bool complete_ = false;  // the frame that ends the reply was taken
    bool finished_ = false;
    bool clean_ = false;
    bool session_over_ = false;
    bool starved_ = false;
};

}  // namespace aero::command
