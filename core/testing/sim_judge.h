// Watches every call from its start to its end and says what it promised and did not keep.
//
// The promises: it ends once, and in time; an acknowledged write was done; an error is in doubt when the write may have
// happened, and only then; an answer is one to this call's own question, and one that was true while the call ran;
// every row of a batch has an answer; an attempt that sent nothing is no reason to give up.
#pragma once

#include <list>
#include <string>
#include <vector>

#include "aero/event_client.h"
#include "testing/sim_model.h"
#include "testing/sim_plan.h"

namespace aero::tests {

// One promise that was not kept. `kind` is one word, the same for the same promise.
struct sim_failure {
    std::string kind;
    std::string text;
};

// A call under way, and what it asks in the form of the public API. Stays where it is until the run ends.
struct sim_running {
    unsigned number = 0;
    sim_call::family what = sim_call::family::read_one;
    std::vector<unsigned> keys;
    std::vector<uint64_t> values;  // of writes, by row
    std::vector<digest> digests;
    std::vector<uint32_t> template_of;
    std::vector<std::vector<uint8_t>> ops;
    std::vector<row_template> shapes;
    std::string who;
    nanos began = 0, deadline = never, ended_at = never;
    nanos admitted = 0;
    nanos excused_until = 0;     // its thread or loop was kept from looking until then
    bool cuts_attempts = false;  // attempts have a time limit of their own
    bool ended = false, cancelled = false;

    bool writes() const noexcept { return what == sim_call::family::write_one || what == sim_call::family::write_many; }
    record_request record() const;
    batch_request batch() const;
};

class sim_judge {
  public:
    static constexpr nanos tick = from_ms(1) + 200'000;  // of a timer wheel, and waking up

    explicit sim_judge(sim_model& model) : model_(model) {}

    static digest digest_of_key(unsigned key);
    uint64_t next_value(unsigned key) { return uint64_t{key} << 32 | ++values_; }
    sim_running& begin(const sim_call& of, std::string who, nanos now);

    // How it ended. Exactly one reply is looked at, by the family and unless there is an error.
    void ended(sim_running& call, const call_outcome& outcome, nanos now);
    void fail(std::string kind, std::string text);
    // After the last event: what was written although it was said not to be, and the like.
    void check_the_end(uint32_t admitted_max);

    const std::vector<sim_failure>& failures() const noexcept { return failures_; }
    // Since when the client has known a master of every partition; never: it does not.
    nanos masters_known_since = never;
    std::function<void(const std::string&)> story;  // told every start and end
    bool quiet = false;                             // only ends that are failures
    uint64_t trace() const noexcept { return trace_; }
    struct figures {
        uint64_t calls = 0, ok = 0, failed = 0, doubtful = 0, cancelled = 0;
    };
    const figures& counted() const noexcept { return figures_; }
    const std::list<sim_running>& calls() const noexcept { return calls_; }

  private:
    void judge_record(sim_running& call, const call_outcome& outcome);
    void judge_batch(sim_running& call, const call_outcome& outcome);
    // `of_all`: what is told of a whole batch, one of whose rows this is.
    void judge_write(const sim_running& call, size_t row, int told, bool in_doubt, bool of_all);
    void judge_read(const sim_running& call, size_t row, std::optional<uint64_t> value, nanos now);
    void check_parking(const sim_running& call, const error& failure, nanos now);
    void check_admission(uint32_t admitted_max);
    void blame(const sim_running& call, std::string kind, const std::string& text);
    void add(uint64_t value) noexcept { trace_ = (trace_ ^ value) * 1099511628211u; }

    sim_model& model_;
    std::list<sim_running> calls_;
    std::vector<sim_failure> failures_;
    std::vector<std::pair<uint64_t, std::string>> undone_;  // writes that failed for certain, and who said so
    figures figures_;
    uint64_t values_ = 0;
    uint64_t trace_ = 14695981039346656037u;
};

}  // namespace aero::tests
