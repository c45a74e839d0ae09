// A call for many records: split by node, sent to all nodes at once, rows matched by their index whatever their order.
//
// What a node leaves unanswered, because it failed or said so, is split again by the newest view; answered rows are
// never asked again. A row that two nodes are asked for at once (call_hedging.cc) takes the answer that comes first,
// and only the failure of both is one. One thread at a time. May be prepared again after it ended.
#pragma once

#include "command/call.h"
#include "wire/digest.h"

namespace aero::command {

// Rows for one node from which its share is split over two connections: a node serves a message with one thread.
inline constexpr size_t split_rows_min = 400;

class batch_call final : public call {
  public:
    batch_call() noexcept : call({}, false) {}

    // Copies what it needs; the request's views are not needed afterwards. REQUIRES: at least one row and one template.
    void prepare(const batch_request& request, const transport_policy& policy, bool split_large = true);
    // The answers, in the order of the request. After a failure of a read the rows that did arrive are there too.
    batch_reply take_reply();

    // What was prepared, for building a larger batch out of several. Views stand until the next `prepare`.
    std::span<const digest> digests() const noexcept { return digests_; }
    std::span<const uint32_t> template_of() const noexcept { return template_of_; }
    std::span<const row_template> templates() const noexcept { return templates_; }
    uint8_t flags() const noexcept { return flags_; }
    // Reads without filter and stored keys can share a message with others.
    bool mergeable() const noexcept { return !is_write() && key_fields_.empty() && filter_.empty() && !refused(); }

    bool take_rows(attempt& from, byte_view body, size_t offset) override;

  protected:
    std::unique_ptr<plan_error> plan(part& which, const cluster::view& seen, nanos now) override;
    bool accept(attempt& ended, part& which, error& why) override;
    bool salvage(attempt& ended, part& which) override;
    void give_up(part& which, error&& why) override;
    std::unique_ptr<error> conclude() override;
    bool has_another_owner(const attempt& which, const cluster::view& seen) const noexcept override;
    void ask_beside(const attempt& first, const part& which, const cluster::view& seen, nanos now) override;
    bool outrun(const attempt& which) const noexcept override;
    cluster::hedging& hedging_of(const cluster::view& seen) const noexcept override { return seen.hedging->batches; }

  private:
    static constexpr uint16_t no_rival = 0xFFFF;

    void copy_templates(const batch_request& request);
    std::unique_ptr<plan_error> find_maps(const cluster::view& seen);
    void launch_share(const part& of, const cluster::view& seen, uint8_t node, std::span<const uint32_t> rows,
                      nanos now);
    std::unique_ptr<attempt> ask(cluster::node* node, std::span<const uint32_t> rows, nanos now);
    bool can_be_hedged(const cluster::view& seen) const noexcept;
    bool answered(uint32_t row) const noexcept { return results_[row].code != row_result::unanswered; }
    bool is_rival(const attempt& which, uint32_t row) const noexcept {
        return !rivals_.empty() && rivals_[row] == which.chunk;
    }
    bool left_to_rival(uint32_t row, uint16_t ended) noexcept;
    buffer encode(std::span<const uint32_t> rows, nanos now) const;
    void keep_reply(attempt& ended, part& which);

    std::vector<digest> digests_;
    std::vector<uint32_t> template_of_;
    std::vector<row_template> templates_;  // views into text_
    std::vector<byte_view> key_fields_;    // views into text_; empty when no row stores its key
    std::vector<uint8_t> text_;            // what templates, keys and filter point into
    byte_view filter_;
    uint8_t flags_ = 0;
    size_t row_size_ = 0;  // largest encoded row, for room
    bool split_large_ = true;

    std::vector<const cluster::namespace_map*> maps_;  // by template, while planning
    std::vector<row_result> results_;  // of an unanswered row: the chunk of the attempt that asks for it
    std::vector<uint16_t> rivals_;     // the chunk of another that does; empty while no row has one
    std::vector<buffer> chunks_;
    std::unique_ptr<error> first_error_;
    size_t answered_ = 0;
};

}  // namespace aero::command
