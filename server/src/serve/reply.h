// One reply in the making: a header of 22 bytes and its operations, written straight into the output. A batch puts many
// of them into one message; a single-record message holds one.
#pragma once

#include "aero/error.h"
#include "serve/request.h"
#include "wire/message.h"

namespace aero_server {

// What became of a request, apart from its operations.
struct outcome {
    aero::code what = aero::code::ok;
    uint32_t generation = 0;
    uint32_t void_time = 0;
    bool unsettled = false;  // a replica did not confirm: nothing was written, and the request is to be run again
};

class reply {
  public:
    reply(aero::buffer& to, const record_request& request) : to_(to), start_(to.size()) {
        to.room(aero::wire::message_header_size);
        to.commit(aero::wire::message_header_size);
        row_index_ = request.batch_row ? request.row_index : 0;
        echoes_ = !request.batch_row || request.writes();
    }
    // The code that a reply operation carries: read-only rows of a batch always say READ.
    aero::wire::op_code echo(aero::wire::op_code asked) const noexcept {
        return echoes_ ? asked : aero::wire::op_code::read;
    }
    void op(aero::wire::op_code asked, aero::wire::particle type, std::string_view name, aero::byte_view value) {
        aero::wire::append_op(to_, echo(asked), type, name, value);
        ++ops_;
    }
    void null_op(aero::wire::op_code asked, std::string_view name) { op(asked, aero::wire::particle::null, name, {}); }
    // Finished READ operations, as a record keeps its bins.
    void finished_ops(aero::byte_view ops, unsigned count) {
        to_.append(ops);
        ops_ += count;
    }
    // Forgets the operations; for a request that is passed on to another node.
    void restart() {
        to_.resize(start_ + aero::wire::message_header_size);
        ops_ = 0;
    }
    void finish(const outcome& end) {
        if (end.what != aero::code::ok) restart();
        aero::wire::message_header header;
        header.result_code = static_cast<uint8_t>(end.what);
        header.generation = end.generation;
        header.ttl = end.void_time;
        header.transaction_ttl = row_index_;
        header.ops = static_cast<uint16_t>(ops_);
        aero::wire::encode_message_header(to_.data() + start_, header);
    }

  private:
    aero::buffer& to_;
    size_t start_;
    unsigned ops_ = 0;
    uint32_t row_index_ = 0;
    bool echoes_ = true;
};

}  // namespace aero_server
