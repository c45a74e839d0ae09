// What the processes of a cluster say to each other, as bytes. The first byte of a request is its kind; numbers are
// big-endian. Pure functions; readers check every length, as bytes of a peer are bytes of the network.
//
//     beat     life, agreement, leaving -> life, agreement, whether it names you   heartbeat, both ways
//     agree    phase, agreement         -> confirmation                            who belongs and who owns what
//     migrate  (partition, target) ...  -> one byte for each: done                 asked of masters by the leader
//     copy     origin, records ...      -> confirmation                            a partition on its way
//     replica  origin, record           -> confirmation                            each write, before it is
//     acknowledged drop     origin, digest           -> confirmation execute  request                  -> answer a
//     request passed on to its master truncate namespace, set, time     -> confirmation
#pragma once

#include <optional>

#include "ring/peer.h"

namespace aero_server::parcels {

enum class kind : uint8_t { beat = 1, agree, migrate, copy, replica, drop, execute, truncate };

// Who wrote, and where the write stands among those of its partition.
struct origin {
    uint8_t node = 0;
    uint8_t namespace_index = 0;
    uint64_t sequence = 0;
};

void append_text(aero::buffer& to, std::string_view text);  // REQUIRES: at most 255 bytes
std::string_view read_text(aero::reader& from);

void append_record(aero::buffer& to, const record& state);
// Null at the end, and when the bytes are no record.
record_ptr read_record(aero::reader& from, store& into);

void write_replica(aero::buffer& to, const origin& by, const record& state);
void write_drop(aero::buffer& to, const origin& by, const aero::wire::digest& key);
void begin_copy(aero::buffer& to, const origin& by, unsigned partition, bool first);
origin read_origin(aero::reader& from);

void write_request(aero::buffer& to, const record_request& request);
// Views into the bytes.
std::optional<record_request> read_request(aero::reader from);
void write_answer(aero::buffer& to, const answer& what, aero::byte_view reply);
// Appends the reply that came with it; bytes that are no answer are as good as none.
answer read_answer(aero::byte_view told, aero::buffer& reply);

void confirm(aero::buffer& to, bool done);
bool read_confirmation(aero::byte_view told);

}  // namespace aero_server::parcels
