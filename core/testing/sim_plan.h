// What one run of the simulator is to do: the cluster, the client's settings, and a list of calls and faults, all drawn
// from the seed before anything runs. An item may be left out without changing the others, so that a failing run can be
// shrunk to what it needs.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "aero/config.h"
#include "aero/request.h"
#include "base/time.h"
#include "testing/sim_door.h"

namespace aero::tests {

inline constexpr unsigned sim_keys = 60;

struct sim_call {
    enum class family : uint8_t { read_one, write_one, read_many, write_many, info } what = family::read_one;
    unsigned actor = 0;     // threads first, then loops
    unsigned together = 1;  // so many of them in one tick
    transport_policy policy;
    std::vector<unsigned> keys;
    nanos cancel_after = never;  // on a thread: a signal that asks to stop
    bool with_times = false;
};

struct sim_fault {
    enum class kind : uint8_t {
        // connections, by chance
        refuse,
        lose_connect,
        slow_accept,
        stall,
        cut,
        slow,
        no_descriptors,
        unreachable,
        // answers, by chance
        refuse_record,
        unknown_code,
        time_out,
        refuse_batch,
        forget_row,
        wrong_row,
        garbage,
        hang_up,
        hang,
        // nodes
        kill,
        kill_silently,
        move,  // dies and comes back elsewhere
        freeze,
        part,
        migrate,
        lie,
        // the client's own machine
        wall_clock,
        slow_names,
        busy_loop,
        close_loop,
        close_client,
        // clusters with users
        refuse_login,
        forget_sessions,
        // nodes that speak TLS
        damage,
        wrong_certificate,
        // calls that are compressed
        pack_badly,
        no_compression,
    };
    static constexpr unsigned kinds = 35;
    static constexpr unsigned kinds_for_all = 29;
    kind what = kind::refuse;
    nanos until = never;  // since the storm began
    double chance = 0;
    unsigned which = 0;   // node or loop
    unsigned detail = 0;  // kind of lie, where to part
};

struct sim_item {
    nanos at = 0;  // since the storm began
    std::variant<sim_call, sim_fault> what;
    std::string text() const;
};

struct sim_plan {
    static constexpr nanos storm = from_ms(4000);

    uint64_t seed = 0;
    unsigned nodes = 1, replicas = 1, threads = 0, loops = 0;
    bool storm_before_open = false;
    bool strict_nodes = false;  // that refuse records they do not own
    double partial = 0;         // sends and receives that move less than they could
    nanos delay_max = 0;
    uint32_t busy_max = 32;  // connections of a loop to a node
    uint32_t queued_max = 16384;
    sim_door_rules door;
    sim_tls_rules tls;
    double compressed = 0;  // share of calls that ask for it
    client_config config;
    std::vector<sim_item> items;

    static sim_plan draw(uint64_t seed);
    void leave_out(const std::set<unsigned>& which);  // numbers of items
    std::string text() const;
};

}  // namespace aero::tests
