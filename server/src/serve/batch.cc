#include "serve/batch.h"

#include "wire/compression.h"

namespace aero_server {

namespace wire = aero::wire;
using aero::buffer;
using aero::byte_view;
using aero::code;
using aero::reader;

batch_run::batch_run(engine& node, byte_view body, std::shared_ptr<const permit> may)
    : node_(node), may_(std::move(may)) {
    verdict_ = open(body);
    finished_ = verdict_ != code::ok;
}

code batch_run::open(byte_view body) {
    const wire::message_header header = wire::decode_message_header(body.data());
    header_info3_ = header.info3;
    compress_ = node_.settings().compression && (header.info1 & wire::info1::compress_response);
    timeout_ms_ = header.transaction_ttl;
    reader from(body.subspan(wire::message_header_size));
    byte_view rows;
    for (unsigned i = 0; i < header.fields && from.ok(); ++i) {
        const wire::field_view field = wire::read_field(from);
        if (field.type == wire::field_type::batch || field.type == wire::field_type::batch_with_sets) rows = field.data;
        // An expression that is not understood must never let a record through.
        if (field.type == wire::field_type::filter) return code::parameter;
    }
    if (!from.ok() || rows.size() < 5) return code::parameter;
    if (aero::load_be<uint32_t>(rows.data()) == 0) return code::parameter;
    const uint32_t rows_max = node_.settings().batch_rows_max;
    if (rows_max != 0 && aero::load_be<uint32_t>(rows.data()) > rows_max) return code::batch_max_requests;
    rows_.emplace(rows);
    answers_all_ = rows_->flags() & wire::batch_flag::respond_all_keys;
    answers_error_ = rows_->flags() & wire::batch_flag::report_error_row;
    return code::ok;
}

// Rows are read some at a time, so that their records can be on the way from memory while others are answered.
bool batch_run::read_rows() {
    ahead_done_ = ahead_count_ = 0;
    while (ahead_count_ < lookahead && rows_->next(ahead_[ahead_count_])) ++ahead_count_;
    if (in_ != nullptr && ahead_count_ > 1) node_.prefetch(*in_, {ahead_, ahead_count_});
    return ahead_count_ != 0;
}

void batch_run::close_block(buffer& to) {
    if (!block_open_) return;
    wire::encode_frame_header(to.data() + block_start_, wire::frame_type::message,
                              to.size() - block_start_ - wire::frame_header_size);
    if (compress_) wire::compress_from(to, block_start_);
    block_open_ = false;
}

void batch_run::drop_empty_block(buffer& to) {
    if (!block_open_ || to.size() != block_start_ + wire::frame_header_size) return;
    to.resize(block_start_);
    block_open_ = false;
}

void batch_run::finish(buffer& to, code verdict) {
    close_block(to);
    uint8_t* at = to.room(wire::frame_header_size + wire::message_header_size);
    wire::encode_frame_header(at, wire::frame_type::message, wire::message_header_size);
    wire::message_header last;
    last.info3 = wire::info3::last;
    last.result_code = static_cast<uint8_t>(verdict);
    wire::encode_message_header(at + wire::frame_header_size, last);
    to.commit(wire::frame_header_size + wire::message_header_size);
}

// For bytes that are no batch: of the rows done before, nothing is told that has not been sent.
void batch_run::refuse(buffer& to) {
    if (block_open_) to.resize(block_start_);
    block_open_ = false;
    verdict_ = code::parameter;
}

batch_run::row_end batch_run::run_row(const wire::request_row& row, buffer& to) {
    if (row.repeated) {
        shape_.key = row.key;
        shape_.row_index = row.index;
    } else {
        shape_ = parse_row(row, header_info3_, timeout_ms_);
        in_ = node_.find_store(shape_.name_space);
        if (in_ == nullptr) return refuse(to), row_end::last;
    }
    if (!block_open_) {
        block_start_ = to.size();
        to.room(batch_block_size + wire::frame_header_size);
        to.commit(wire::frame_header_size);
        block_open_ = true;
    }
    const size_t row_start = to.size();
    const bool allowed = may_->allows(needed_for(shape_), shape_.name_space, shape_.set);
    code what = allowed ? code::ok : code::role_violation;
    if (what == code::ok) {
        const auto done = node_.execute(shape_, to, so_far_);
        if (!done) {
            drop_empty_block(to);
            return row_end::wait;
        }
        what = *done;
    } else {
        reply(to, shape_).finish({.what = what});
    }
    const bool fails = what != code::ok && what != code::record_not_found && what != code::filtered_out;
    if (fails && !answers_all_) {
        verdict_ = what;
        if (!answers_error_) to.resize(row_start);
        drop_empty_block(to);
        return row_end::last;
    }
    if (to.size() - block_start_ >= batch_block_size - 1024) close_block(to);
    return row_end::next;
}

bool batch_run::step(buffer& to, size_t output_max) {
    while (!finished_) {
        row_end last = ahead_done_ < ahead_count_ || read_rows() ? row_end::next : row_end::last;
        while (ahead_done_ < ahead_count_ && last == row_end::next) {
            last = run_row(ahead_[ahead_done_], to);
            if (last == row_end::next) ++ahead_done_;
        }
        if (last == row_end::wait) {
            close_block(to);
            return false;
        }
        if (last == row_end::last) {
            if (!rows_->ok() && verdict_ == code::ok) refuse(to);  // fewer rows than announced
            break;
        }
        if (to.size() >= output_max) {
            close_block(to);  // what waits may be sent, and its place in the buffer changes
            return false;
        }
    }
    finished_ = true;
    finish(to, verdict_);
    return true;
}

}  // namespace aero_server
