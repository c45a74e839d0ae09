// Policies, metas and the client's configuration: dicts of Python to plain structures.
//
// None and {} take a fast path. `strict` makes unknown keys an error. Functions give false with an exception set.
#pragma once

#include "aero/config.h"
#include "aero/request.h"
#include "compat.h"
#include "wire/protocol.h"

namespace aero::py {

struct read_options {
    transport_policy transport;
    uint8_t info1 = 0;  // READ_ALL_REPLICAS
    uint32_t ttl = 0;   // read-touch percentage
};

// How a write treats what is there; bits are those of the protocol.
struct write_rules {
    uint8_t info2 = 0;
    uint8_t info3 = 0;
    uint32_t generation = 0;
    uint32_t ttl = 0;
    bool send_key = false;

    // What holds for deletes: nothing is created or replaced.
    void forget_existence() noexcept {
        info2 &= static_cast<uint8_t>(~wire::info2::create_only);
        info3 &= wire::info3::commit_master;
    }
};

struct write_options {
    transport_policy transport;
    write_rules rules;
    uint8_t info1 = 0;      // for the reads inside operate
    uint32_t read_ttl = 0;  // read-touch percentage, for messages that only read
};

struct batch_options {
    transport_policy transport;
    uint8_t flags = 0x0D;
    uint8_t info1 = 0;
    uint32_t read_ttl = 0;
    write_rules rules;  // defaults of rows that write
};

struct admin_options {
    uint32_t timeout_ms = 1000;
};

bool parse_read_policy(PyObject* policy, bool strict, read_options& to);
// Single-record writes: the policy wins over the meta where both name a field.
bool parse_write_policy(PyObject* policy, PyObject* meta, bool strict, write_options& to);
// A dict, a BatchPolicyInstance or None.
bool parse_batch_policy(PyObject* policy, bool strict, batch_options& to);
// Rows of batch_write and batch_remove: the meta wins. `to` holds the rules of the batch policy before.
bool parse_write_meta(PyObject* meta, bool strict, write_rules& to);
bool parse_delete_meta(PyObject* meta, bool strict, write_rules& to);
// A time to live by itself (the `val` of touch): seconds, or one of the negative constants.
bool parse_ttl(PyObject* ttl, uint32_t& to);
bool parse_admin_policy(PyObject* policy, bool strict, admin_options& to);

// Said at execution: PREFER_RACK wants racks.
bool check_replica(const transport_policy& policy, const client_config& config);

// The argument of `client()`. Hosts are looked at by `parse_hosts` at connect only, as the contract wants it; the
// dict's other values are checked at once.
struct parsed_config {
    uint32_t loop_connections_min = 0;  // of each loop of an asyncio client
    client_config native;
    ref hosts;  // as given
    ref user;   // or none
    ref password;
    bool strict = false;
};
bool parse_config(PyObject* config, parsed_config& to);
bool parse_hosts(PyObject* hosts, std::vector<host>& to);

bool init_policies(PyObject* module);  // part of init_conversions

}  // namespace aero::py
