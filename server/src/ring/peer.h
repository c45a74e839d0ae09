// Another node of the cluster as a node reaches it: to pass a request on to the owner of a record, and to write
// replicas. The transport behind it may be a call inside the process or a connection; callers cannot tell. Safe from
// any thread.
#pragma once

#include "serve/request.h"
#include "store/store.h"

namespace aero_server {

// What a node says to a request for a record.
struct answer {
    enum class kind : uint8_t {
        done,       // the reply is written
        moved,      // not mine: ask `master`
        gone,       // nothing was done: the node is not there, or owns nothing for now
        unsettled,  // a replica did not confirm, so nothing was written; what it has is replaced by the next try
        lost,       // it was asked and did not answer: done or not
    };
    kind is = kind::done;
    uint8_t master = 0xFF;
    aero::code what = aero::code::ok;  // of a reply that is written
};

class peer {
  public:
    virtual ~peer() = default;
    // Appends the reply to `to` when the answer is `done`, and nothing otherwise.
    virtual answer execute(const record_request& request, aero::buffer& to) = 0;
    // The new state of a record, which replaces whatever the node had. The caller is the partition's master and holds
    // its lock; `sequence` grows with every write of the partition. False when the node did not confirm.
    virtual bool write_replica(uint8_t namespace_index, uint64_t sequence, const record& state) = 0;
    virtual bool drop_replica(uint8_t namespace_index, uint64_t sequence, const aero::wire::digest& key) = 0;
    // All records of a partition, which replace what the node had of it. The same is required, and told by the answer.
    virtual bool copy_partition(store& from, unsigned partition, uint64_t sequence) = 0;
};

}  // namespace aero_server
