// The client: one connected cluster, used from any thread. Calls run on the calling thread and wait for their answer.
//
// Cheap to copy (a shared handle); the cluster is closed when the last copy goes or by `close`. Every call ends within
// its total timeout. Loops that must not wait use `aero/event_client.h` over the same client.
#pragma once

#include <memory>

#include "aero/config.h"
#include "aero/request.h"
#include "aero/security.h"
#include "aero/value.h"

namespace aero {

// Asked when a signal interrupts a waiting call, and now and then while it waits; true abandons it with
// code::cancelled.
class interrupt_hook {
  public:
    virtual bool interrupted() noexcept = 0;

  protected:
    ~interrupt_hook() = default;
};

// What a caller wants to know or steer beside the answer itself; all optional.
struct call_options {
    call_times* times = nullptr;
    interrupt_hook* interrupt = nullptr;
};

struct key {
    std::string name_space;
    std::string set;
    value user_key;  // integer, string or blob
};
// The 20 bytes that name a record. Fails with invalid_argument when the user key is of another kind.
result<digest> digest_of(const key& of);

struct bin {
    std::string name;
    value content;
    bool operator==(const bin&) const = default;
};
using bins = std::vector<bin>;

struct record {
    uint32_t generation = 0;
    uint32_t ttl_s = 0;  // seconds to live; 4294967295: never expires
    aero::bins bins;
};

enum class exists_policy : uint8_t { ignore, update_only, replace, replace_only, create_only };
enum class generation_policy : uint8_t { ignore, equal, greater };

struct read_policy : transport_policy {};
struct write_policy : transport_policy {
    write_policy() { max_retries = 0; }
    exists_policy exists = exists_policy::ignore;
    generation_policy generation_check = generation_policy::ignore;
    uint16_t generation = 0;
    uint32_t ttl_s = 0;  // 0: the namespace's default; 0xFFFFFFFF: never; 0xFFFFFFFE: leave as it is
    bool send_key = false;
    bool durable_delete = false;
};
struct batch_policy : transport_policy {
    bool allow_inline = true;
    bool allow_inline_ssd = false;
    bool respond_all_keys = true;
};

// One record of a batch: `found` holds it when `what` is ok.
struct batch_record {
    code what = code::ok;
    record found;
};

class client {
  public:
    static result<client> open(client_config config, interrupt_hook* interrupt = nullptr);

    void close();
    bool is_open() const noexcept;
    bool ping();  // asks one node for its build
    std::vector<std::string> node_names() const;

    // Typed calls. Errors of the server arrive as `error` with its code, a missing record as record_not_found.
    result<void> put(const key& where, const bins& what, const write_policy& policy = {});
    result<record> get(const key& which, const read_policy& policy = {});
    result<record> get(const key& which, std::span<const std::string> bin_names, const read_policy& policy = {});
    result<bool> exists(const key& which, const read_policy& policy = {});
    result<void> remove(const key& which, const write_policy& policy = {});
    // One answer per key, in the order of `keys`; keys of any set, duplicates allowed.
    result<std::vector<batch_record>> batch_read(std::span<const key> keys, const batch_policy& policy = {});
    // Deletes the records of a set (of the namespace when empty) last updated at or before `before_ns` (Unix; 0: now).
    result<void> truncate(std::string_view name_space, std::string_view set, int64_t before_ns = 0,
                          uint32_t timeout_ms = 1000);

    // The calls under the typed ones: requests as the wire has them. An answer with a code of the server is a success
    // here.
    result<record_reply> execute(const record_request& request, const transport_policy& policy,
                                 call_options options = {});
    result<batch_reply> execute(const batch_request& request, const transport_policy& policy,
                                call_options options = {});
    // Users and roles. A server that refuses is an error with its code. The client goes on with its own new password.
    result<admin_reply> execute(const admin_request& request, uint32_t timeout_ms = 1000, call_options options = {});
    // The value of an info command from every node, or from one.
    enum class info_target : uint8_t { every_node, any_node };
    result<std::vector<info_reply>> info(std::string_view command, info_target target, uint32_t timeout_ms = 1000,
                                         call_options options = {});

    // In a forked child: lets go of everything without touching the parent's connections. The client is closed
    // afterwards.
    void abandon_after_fork() noexcept;

    struct shared;
    const std::shared_ptr<shared>& handle() const noexcept { return shared_; }

  private:
    explicit client(std::shared_ptr<shared> held) : shared_(std::move(held)) {}
    std::shared_ptr<shared> shared_;
};

}  // namespace aero
