// Whole calls, batches and tends in one thread on simulated nodes, network and clock, each run drawn from one number.
//
// AERO_SIM_SEED=n runs that seed alone; AERO_SIM_RUNS=n sets how many are run from the first one on.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "command/batch_call.h"
#include "command/record_call.h"
#include "testing/sim_calls.h"
#include "testing/sim_cluster.h"

namespace aero::tests {
namespace {

constexpr unsigned keys = 60;
constexpr uint64_t key_shift = 32;

uint64_t environment_number(const char* name, uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

digest digest_of_key(unsigned key) {
    const std::string name = "key_" + std::to_string(key);
    return wire::digest_of({.set = "sim", .type = wire::particle::string, .value = as_bytes(name)});
}

// What every call did, added up to one number: equal runs give equal ones.
struct trace {
    uint64_t sum = 14695981039346656037u;
    void add(uint64_t value) { sum = (sum ^ value) * 1099511628211u; }
};

class simulation {
  public:
    explicit simulation(uint64_t seed)
        : seed_(seed),
          world_(seed),
          network_(world_, draw_weather()),
          servers_(world_, network_, 1 + static_cast<unsigned>(world_.below(5)),
                   1 + static_cast<unsigned>(world_.below(3))),
          tending_(world_, network_, seeds_of_cluster()),
          calls_(world_, network_, tending_, {.connections_max = 1 + world_.below(6)}) {
        cluster::restart_rotation();
        servers_.set_manners(draw_manners());
        for (unsigned key = 0; key < keys; key += 2)
            servers_.model().apply(digest_of_key(key), next_value(key), world_.now());
    }

    void run() {
        const nanos begin = world_.now();
        const nanos storm_ends = begin + from_ms(4000);
        schedule_deaths(begin, storm_ends);
        const unsigned count = 20 + static_cast<unsigned>(world_.below(60));
        for (unsigned i = 0; i < count; ++i) {
            world_.at(world_.between(begin + from_ms(50), storm_ends), [this] { begin_call(); });
        }
        world_.run_until(storm_ends);
        // Fair weather: everything that was begun ends, and the picture of the cluster becomes whole again.
        network_.set_weather({});
        servers_.set_manners({});
        for (unsigned node = 0; node < servers_.size(); ++node) {
            if (!servers_.alive(node)) servers_.start(node);
        }
        world_.run_until(storm_ends + from_ms(10'000));
        check_the_end(count);
        check_the_view();
    }
    uint64_t traced() const { return trace_.sum; }
    uint64_t ok_calls() const { return ok_calls_; }
    uint64_t failed_calls() const { return failed_calls_; }
    uint64_t in_doubt() const { return in_doubt_; }
    uint64_t drained() const { return calls_.drained(); }
    uint64_t reuses() const { return calls_.reuses(); }

  private:
    struct write {
        uint64_t value;
        bool acknowledged = false;
        bool doubtful = false;
        int told = 0;  // the code that the caller saw
        bool in_batch = false;
    };

    sim_weather draw_weather() {
        if (world_.chance(0.2)) return {};
        sim_weather made;
        for (double* each : {&made.refuse, &made.no_accept, &made.silent, &made.black_hole, &made.cut}) {
            if (world_.chance(0.4)) *each = static_cast<double>(world_.below(30)) / 100;
        }
        made.slow = static_cast<double>(world_.below(10)) / 100;
        made.delay_max = world_.between(50'000, from_ms(20));
        return made;
    }
    sim_manners draw_manners() {
        if (world_.chance(0.2)) return {};
        sim_manners made;
        for (double* each : {&made.refuse_record, &made.time_out, &made.refuse_batch, &made.hang}) {
            if (world_.chance(0.4)) *each = static_cast<double>(world_.below(15)) / 100;
        }
        if (world_.chance(0.2)) made.garbage = 0.02;
        if (world_.chance(0.2)) made.forget_row = 0.01;
        return made;
    }
    client_config seeds_of_cluster() {
        client_config config;
        config.tend_interval_ms = 500;
        for (unsigned node = 0; node < servers_.size(); ++node) {
            if (node == 0 || world_.chance(0.5)) config.hosts.push_back({sim_cluster::address_of(node).host, 3000});
        }
        return config;
    }
    transport_policy draw_policy() {
        transport_policy made;
        made.total_timeout_ms = static_cast<uint32_t>(1 + world_.below(1500));
        made.socket_timeout_ms = world_.chance(0.5) ? 0 : static_cast<uint32_t>(1 + world_.below(800));
        made.max_retries = static_cast<uint32_t>(world_.below(4));
        made.sleep_between_retries_ms = world_.chance(0.5) ? 0 : static_cast<uint32_t>(world_.below(60));
        made.timeout_delay_ms = world_.chance(0.5) ? 0 : 3000;
        constexpr replica_policy policies[] = {replica_policy::master, replica_policy::sequence,
                                               replica_policy::random};
        made.replica = policies[world_.below(3)];
        return made;
    }

    void schedule_deaths(nanos begin, nanos end) {
        for (unsigned node = 1; node < servers_.size(); ++node) {
            if (world_.chance(0.6)) continue;
            const nanos dies = world_.between(begin, end);
            world_.at(dies, [this, node] { servers_.kill(node); });
            if (world_.chance(0.6)) {
                world_.at(world_.between(dies, end), [this, node] {
                    if (!servers_.alive(node)) servers_.start(node);
                });
            }
        }
    }

    uint64_t next_value(unsigned key) { return uint64_t{key} << key_shift | ++values_; }

    void begin_call() {
        switch (world_.below(4)) {
            case 0: return read_one();
            case 1: return write_one();
            case 2: return read_many();
            default: return write_many();
        }
    }

    // The frame of every call: its end is counted once and lies within its deadline.
    template <class Call, class Check>
    void start(std::unique_ptr<Call> what, const Check& check) {
        const nanos began = world_.now();
        const nanos deadline = began + from_ms(what->policy().total_timeout_ms);
        const uint64_t number = ++begun_;
        calls_.run(std::move(what), [this, began, deadline, number, check](command::call& ended) {
            ++ended_;
            EXPECT_TRUE(ended_once_.insert(number).second) << "call " << number << " ended twice";
            EXPECT_LE(world_.now(), deadline) << "call " << number << " ended late";
            const error* failure = ended.failure();
            trace_.add(number);
            trace_.add(static_cast<uint64_t>(world_.now()));
            trace_.add(failure == nullptr ? 0 : static_cast<uint64_t>(static_cast<int64_t>(failure->what)));
            ++(failure == nullptr ? ok_calls_ : failed_calls_);
            if (failure != nullptr) {
                EXPECT_NE(failure->what, code::ok);
                EXPECT_FALSE(failure->text.empty());
            }
            check(static_cast<Call&>(ended), began);
        });
    }

    void read_one() {
        const auto key = static_cast<unsigned>(world_.below(keys));
        auto call = std::make_unique<command::record_call>();
        call->prepare({.name_space = "test",
                       .set = "sim",
                       .digest = digest_of_key(key),
                       .info1 = wire::info1::read | wire::info1::get_all},
                      draw_policy());
        start(std::move(call), [this, key](command::record_call& ended, nanos began) {
            if (ended.failure() != nullptr) {
                EXPECT_FALSE(ended.failure()->in_doubt) << "a read is never in doubt";
                return;
            }
            const record_reply reply = ended.take_reply();
            if (reply.code == code::ok) {
                ASSERT_EQ(reply.op_count, 1);
                expect_possible(key, value_in(reply.ops), began);
            } else if (reply.code == code::record_not_found) {
                expect_possible(key, std::nullopt, began);
            } else {
                EXPECT_EQ(reply.code, code::key_busy);
            }
        });
    }

    void write_one() {
        const auto key = static_cast<unsigned>(world_.below(keys));
        const uint64_t value = next_value(key);
        const buffer op = op_of(value);
        auto call = std::make_unique<command::record_call>();
        call->prepare({.name_space = "test",
                       .set = "sim",
                       .digest = digest_of_key(key),
                       .ops = op.view(),
                       .op_count = 1,
                       .info2 = wire::info2::write,
                       .is_write = true},
                      draw_policy());
        const size_t place = writes_.size();
        writes_.push_back({.value = value});
        start(std::move(call), [this, place](command::record_call& ended, nanos) {
            if (ended.failure() != nullptr) {
                note_write(place, static_cast<int>(ended.failure()->what), ended.failure()->in_doubt, false);
                return;
            }
            const record_reply reply = ended.take_reply();
            note_write(place, static_cast<int>(reply.code), reply.in_doubt, false);
        });
    }

    void read_many() {
        std::vector<unsigned> wanted(1 + world_.below(world_.chance(0.1) ? 1500 : 60));
        for (unsigned& key : wanted) key = static_cast<unsigned>(world_.below(keys));
        std::vector<digest> digests;
        for (const unsigned key : wanted) digests.push_back(digest_of_key(key));
        const row_template shape{.name_space = "test", .set = "sim", .info1 = wire::info1::read | wire::info1::get_all};
        auto call = std::make_unique<command::batch_call>();
        call->prepare({.digests = digests, .templates = {&shape, 1}}, draw_policy());
        start(std::move(call), [this, wanted](command::batch_call& ended, nanos began) {
            const bool failed = ended.failure() != nullptr;
            if (failed) {
                EXPECT_FALSE(ended.failure()->in_doubt);
            }
            const batch_reply reply = ended.take_reply();
            ASSERT_EQ(reply.rows.size(), wanted.size());
            for (size_t i = 0; i < wanted.size(); ++i) {
                const row_result& row = reply.rows[i];
                EXPECT_NE(row.code, row_result::unanswered) << "row " << i << " of a call that ended";
                if (!failed) {
                    EXPECT_GE(row.code, 0) << "a read that succeeded has an answer for every row";
                }
                if (row.code == 0) expect_possible(wanted[i], value_in(reply.ops_of(row)), began);
                if (row.code == static_cast<int>(code::record_not_found))
                    expect_possible(wanted[i], std::nullopt, began);
            }
        });
    }

    void write_many() {
        const size_t count = 1 + world_.below(40);
        const size_t first = writes_.size();
        std::vector<digest> digests;
        std::vector<uint32_t> template_of;
        std::vector<buffer> ops;
        std::vector<row_template> shapes;
        for (uint32_t i = 0; i < count; ++i) {
            const auto key = static_cast<unsigned>(world_.below(keys));
            const uint64_t value = next_value(key);
            writes_.push_back({.value = value});
            digests.push_back(digest_of_key(key));
            template_of.push_back(i);
            ops.push_back(op_of(value));
        }
        for (const buffer& op : ops) {
            shapes.push_back({.name_space = "test",
                              .set = "sim",
                              .info2 = wire::info2::write,
                              .has_generation = true,
                              .ops = op.view(),
                              .op_count = 1});
        }
        auto call = std::make_unique<command::batch_call>();
        call->prepare({.digests = digests, .template_of = template_of, .templates = shapes, .is_write = true},
                      draw_policy());
        start(std::move(call), [this, first, count](command::batch_call& ended, nanos) {
            const batch_reply reply = ended.take_reply();
            ASSERT_EQ(reply.rows.size(), count);
            for (size_t i = 0; i < count; ++i) {
                const row_result& row = reply.rows[i];
                EXPECT_NE(row.code, row_result::unanswered);
                note_write(first + i, row.code, row.in_doubt(), true);
            }
        });
    }

    static buffer op_of(uint64_t value) {
        buffer made;
        std::array<uint8_t, 8> bytes;
        store_be(bytes.data(), value);
        wire::append_op(made, wire::op_code::write, wire::particle::integer, "v", bytes);
        return made;
    }
    static uint64_t value_in(byte_view ops) {
        reader from(ops);
        const wire::op_view op = wire::read_op(from);
        EXPECT_TRUE(from.ok() && op.value.size() == 8 && op.name == "v");
        return op.value.size() == 8 ? load_be<uint64_t>(op.value.data()) : 0;
    }
    void expect_possible(unsigned key, std::optional<uint64_t> value, nanos began) {
        trace_.add(value.value_or(1));
        if (value) {
            EXPECT_EQ(*value >> key_shift, key) << "the answer to somebody else's question";
        }
        EXPECT_TRUE(servers_.model().could_be_seen(digest_of_key(key), value, began, world_.now())) << "key " << key;
    }
    void note_write(size_t place, int told, bool doubtful, bool in_batch) {
        const bool acknowledged = told == 0;
        writes_[place].told = told;
        writes_[place].in_batch = in_batch;
        writes_[place].acknowledged = acknowledged;
        writes_[place].doubtful = doubtful;
        in_doubt_ += doubtful ? 1 : 0;
        trace_.add(acknowledged ? 2 : doubtful ? 3 : 4);
        EXPECT_FALSE(acknowledged && doubtful);
    }

    void check_the_end(unsigned count) {
        EXPECT_EQ(begun_, count);
        EXPECT_EQ(ended_, count);
        EXPECT_EQ(calls_.running(), 0u);
        EXPECT_EQ(calls_.attempts_held(), 0u) << "an attempt outlived its call and its time to drain";
        for (const write& each : writes_) {
            const bool applied = servers_.model().was_applied(each.value);
            if (each.acknowledged) {
                EXPECT_TRUE(applied) << "an acknowledged write is lost: " << each.value;
            } else if (!each.doubtful) {
                EXPECT_FALSE(applied) << "a write that failed for certain was done: " << each.value << ", code "
                                      << each.told << (each.in_batch ? " of a row" : "");
            }
        }
    }

    void check_the_view() {
        EXPECT_TRUE(tending_.complete());
        const cluster::view_ptr seen = tending_.view();
        EXPECT_EQ(seen->nodes.size(), servers_.size());
        EXPECT_EQ(tending_.links(), servers_.size());
        const cluster::namespace_map* map = seen->find("test");
        ASSERT_NE(map, nullptr);
        for (unsigned p = 0; p < wire::partitions; ++p) {
            const uint8_t owner = map->owners[0][p];
            ASSERT_NE(owner, cluster::no_node) << "partition " << p;
            ASSERT_EQ(seen->nodes[owner]->name(), servers_.master_of(p)) << "partition " << p;
        }
    }

    const uint64_t seed_;
    sim_world world_;
    sim_network network_;
    sim_cluster servers_;
    sim_tending tending_;
    sim_calls calls_;
    std::vector<write> writes_;
    std::set<uint64_t> ended_once_;
    trace trace_;
    uint64_t values_ = 0, begun_ = 0, ended_ = 0;
    uint64_t ok_calls_ = 0, failed_calls_ = 0, in_doubt_ = 0;
};

TEST(simulation, every_call_keeps_its_promises_whatever_happens) {
    const uint64_t first = environment_number("AERO_SIM_SEED", 1);
    const bool alone = std::getenv("AERO_SIM_SEED") != nullptr;
    const uint64_t runs = environment_number("AERO_SIM_RUNS", alone ? 1 : 300);
    uint64_t ok = 0, failed = 0, doubtful = 0, drained = 0, reuses = 0;
    for (uint64_t seed = first; seed < first + runs; ++seed) {
        SCOPED_TRACE("AERO_SIM_SEED=" + std::to_string(seed));
        simulation run(seed);
        run.run();
        ok += run.ok_calls();
        failed += run.failed_calls();
        doubtful += run.in_doubt();
        drained += run.drained();
        reuses += run.reuses();
        if (HasFailure()) break;
    }
    if (alone || runs < 100) return;
    // A simulation in which nothing goes right, or nothing wrong, proves nothing.
    EXPECT_GT(ok, runs * 10);
    EXPECT_GT(failed, runs);
    EXPECT_GT(doubtful, runs);
    EXPECT_GT(drained, runs / 10);
    EXPECT_GT(reuses, runs * 10);
}

TEST(simulation, equal_seeds_give_equal_runs) {
    for (const uint64_t seed : {7, 77, 777}) {
        simulation one(seed), two(seed);
        one.run();
        two.run();
        EXPECT_EQ(one.traced(), two.traced()) << seed;
    }
}

}  // namespace
}  // namespace aero::tests
