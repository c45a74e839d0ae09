// One description of each operation: how its arguments become a request and how the reply becomes its result. The sync
// and the asyncio face share it, so that a rule stands once.
//
// An operation is one call. It is made, parsed, sent and converted by one thread at a time; everything but `execute`
// wants an attached thread state, `execute` must not have one to hold others up. It owns what its request points to.
#pragma once

#include <memory>
#include <optional>

#include "aero/event_client.h"
#include "calls/arguments.h"
#include "calls/retry.h"
#include "convert/batch.h"
#include "convert/record.h"
#include "results/batch_record.h"

namespace aero::py {

struct password_hashing;

struct operation_kind {
    parameters arguments;
    const char* text;       // docstring
    bool measured = false;  // counts in the operation histogram
    bool never_raises = false;
    const char* name() const noexcept { return arguments.describes().method; }
};

class operation {
  public:
    explicit operation(const operation_kind& kind) noexcept : kind_(kind) {}
    virtual ~operation() = default;
    operation(const operation&) = delete;
    operation& operator=(const operation&) = delete;

    const operation_kind& kind() const noexcept { return kind_; }

    // Reads the arguments. False with an exception.
    virtual bool parse(const argument_slots& slots, bool strict) = 0;
    virtual const transport_policy& transport() const noexcept = 0;
    // A batch of no keys has its answer already.
    virtual bool nothing_to_send() const noexcept { return false; }
    // A password that has to be hashed before `submit`; `execute` sees to it itself. Null: none.
    virtual std::shared_ptr<password_hashing> unhashed() const { return nullptr; }
    // Sends and waits, on the calling thread.
    virtual call_outcome execute(client& through, const call_options& options) = 0;
    // Sends and returns; `whom` hears of the end.
    virtual event_client::ticket submit(event_client& through, completion& whom, bool with_times) = 0;
    virtual bool may_repeat() const noexcept { return false; }
    // Looks at an outcome before it is converted: nanoseconds to wait before it is sent again, or nothing when it
    // stands.
    virtual std::optional<int64_t> again(call_outcome&, int64_t /*now*/) { return std::nullopt; }
    // The result, or null with the exception that the outcome calls for. `timings` is that of a profiled call or
    // null.
    virtual PyObject* convert(call_outcome&& outcome, PyObject* timings) = 0;

    // For metrics; valid until `convert`.
    struct labels {
        std::string_view name_space;
        std::string_view set;
    };
    virtual labels labels_of() const noexcept = 0;
    // What the metrics call the outcome; ok for success.
    virtual code verdict(const call_outcome& outcome) const noexcept;

  private:
    const operation_kind& kind_;
};

// Operations on one record.
class record_operation;
struct record_kind : operation_kind {
    bool (*parse)(record_operation&, const argument_slots&, bool strict);
    PyObject* (*convert)(const record_operation&, const record_reply&);
    bool missing_is_an_answer = false;
};

class record_operation final : public operation {
  public:
    explicit record_operation(const record_kind& kind) noexcept : operation(kind), of_(kind) {}

    bool parse(const argument_slots& slots, bool strict) override;
    const transport_policy& transport() const noexcept override { return policy; }
    call_outcome execute(client& through, const call_options& options) override;
    event_client::ticket submit(event_client& through, completion& whom, bool with_times) override;
    PyObject* convert(call_outcome&& outcome, PyObject* timings) override;
    labels labels_of() const noexcept override { return {key.name_space, key.set}; }
    code verdict(const call_outcome& outcome) const noexcept override;

    // Filled by the parse function of the kind.
    parsed_key key;
    op_list ops;
    transport_policy policy;
    buffer key_field;
    write_rules rules;
    uint32_t ttl = 0;

    bool take_read_policy(PyObject* given, bool strict);
    bool take_write_policy(PyObject* given, PyObject* meta, bool strict);

  private:
    record_request request() const noexcept;
    const record_kind& of_;
};

// Operations on many records.
class batch_operation;
struct batch_kind : operation_kind {
    bool (*parse)(batch_operation&, const argument_slots&, bool strict);
    PyObject* (*convert)(batch_operation&, batch_reply&&, PyObject* timings);
};

class batch_operation final : public operation {
  public:
    explicit batch_operation(const batch_kind& kind) noexcept : operation(kind), of_(kind) {}

    bool parse(const argument_slots& slots, bool strict) override;
    const transport_policy& transport() const noexcept override { return call.options.transport; }
    bool nothing_to_send() const noexcept override { return call.keys.size() == 0; }
    call_outcome execute(client& through, const call_options& options) override;
    event_client::ticket submit(event_client& through, completion& whom, bool with_times) override;
    bool may_repeat() const noexcept override { return retry.watched(); }
    std::optional<int64_t> again(call_outcome& outcome, int64_t now) override;
    PyObject* convert(call_outcome&& outcome, PyObject* timings) override;
    labels labels_of() const noexcept override;

    batch_call call;
    write_retry retry;
    std::vector<size_t> group_sizes;  // batch_read_many

    bool take_retry(PyObject* given);

  private:
    batch_request next_request();
    const batch_kind& of_;
    batch_call::part part_;  // backs the request of a retry
};

// Questions to nodes that are not about records.
class info_operation;
struct info_kind : operation_kind {
    bool (*parse)(info_operation&, const argument_slots&, bool strict);
    PyObject* (*convert)(const info_operation&, std::vector<info_reply>&&);
    client::info_target target = client::info_target::any_node;
};

class info_operation final : public operation {
  public:
    explicit info_operation(const info_kind& kind) noexcept : operation(kind), of_(kind) {}

    bool parse(const argument_slots& slots, bool strict) override;
    const transport_policy& transport() const noexcept override { return policy_; }
    call_outcome execute(client& through, const call_options& options) override;
    event_client::ticket submit(event_client& through, completion& whom, bool with_times) override;
    PyObject* convert(call_outcome&& outcome, PyObject* timings) override;
    labels labels_of() const noexcept override { return {}; }

    std::string command;
    uint32_t timeout_ms = 1000;

  private:
    const info_kind& of_;
    transport_policy policy_;
};

}  // namespace aero::py
