// The core from C++, without Python: keys hashed, requests made, replies decoded to an index of rows. Public API,
// except that the width of the digest lanes can be chosen.
//
// usage: core_client ADDRESS PORT, then rounds as bench/rounds.h says: get, batch, answer, describe. `answer` reads one
// batch and prints the bin `i0` of every row.
#include "aero/client.h"

#include "rounds.h"
#include "wire/digest.h"
#include "wire/message.h"

namespace aero::bench {
namespace {

[[noreturn]] void refuse(const std::string& why) {
    std::fprintf(stderr, "core_client: %s\n", why.c_str());
    std::exit(1);
}

// The keys of one call as an application has them, and what is made of them within it.
struct batch_of_keys {
    std::vector<std::string> sets;       // one per row
    std::vector<std::string> user_keys;  // one per row

    explicit batch_of_keys(const names& wanted) {
        for (const record_name& one : wanted) {
            sets.push_back(one.set_name());
            user_keys.push_back(one.user_key());
        }
    }
};

class core_client {
  public:
    core_client(const char* address, uint16_t port) {
        client_config config;
        config.hosts.push_back({address, port});
        auto opened = client::open(std::move(config));
        if (!opened) refuse(opened.error().text);
        client_ = std::make_unique<client>(std::move(*opened));
        policy_.total_timeout_ms = timeout_ms;
    }

    void run(const round& what) {
        if (what.op == "get") {
            std::vector<key> keys;
            for (const names& one : what.wanted)
                keys.push_back({std::string(name_space), one.front().set_name(), one.front().user_key()});
            measure(what.calls, 0, [&](unsigned call) { get(keys[call]); });
            return;
        }
        const unsigned lanes = what.lanes != 0 ? what.lanes : wire::digest_lanes();
        std::vector<batch_of_keys> batches;
        for (const names& one : what.wanted) batches.emplace_back(one);
        if (what.op == "answer") {
            print_first_bins(read(batches.front(), lanes));
            return;
        }
        measure(what.calls, 0, [&](unsigned call) { read(batches[call], lanes); });
    }

  private:
    void get(const key& which) {
        const auto hashed = digest_of(which);
        if (!hashed) refuse(hashed.error().text);
        record_request request;
        request.name_space = which.name_space;
        request.set = which.set;
        request.digest = *hashed;
        request.info1 = wire::info1::read | wire::info1::get_all;
        const auto reply = client_->execute(request, policy_);
        if (!reply) refuse(reply.error().text);
        if (reply->code != code::ok || reply->op_count != 8) refuse("a record is not as it was stored");
    }

    batch_reply read(const batch_of_keys& keys, unsigned lanes) {
        const size_t rows = keys.user_keys.size();
        views_.resize(rows);
        digests_.resize(rows);
        template_of_.resize(rows);
        templates_.clear();
        for (size_t i = 0; i < rows; ++i) {
            const std::string& set = keys.sets[i];
            views_[i] = {.set = set, .value = as_bytes(keys.user_keys[i])};
            if (templates_.empty() || templates_.back().set != set) {
                row_template shape;
                shape.name_space = name_space;
                shape.set = set;
                shape.info1 = wire::info1::read | wire::info1::get_all;
                templates_.push_back(shape);
            }
            template_of_[i] = static_cast<uint32_t>(templates_.size() - 1);
        }
        wire::digests_of(views_, digests_, lanes);
        batch_request request;
        request.digests = digests_;
        request.template_of = template_of_;
        request.templates = templates_;
        auto reply = client_->execute(request, policy_);
        if (!reply) refuse(reply.error().text);
        for (const row_result& row : reply->rows)
            if (!row.ok() || row.op_count != 8) refuse("a row is not as it was stored");
        return std::move(*reply);
    }

    static void print_first_bins(const batch_reply& reply) {
        std::string text;
        for (const row_result& row : reply.rows) {
            reader ops(reply.ops_of(row));
            for (unsigned i = 0; i < row.op_count; ++i) {
                const wire::op_view op = wire::read_op(ops);
                if (op.name == "i0")
                    text += (text.empty() ? "" : ", ") + std::to_string(load_be<int64_t>(op.value.data()));
            }
        }
        std::printf("{\"i0\": [%s]}\n", text.c_str());
        std::fflush(stdout);
    }

    std::unique_ptr<client> client_;
    transport_policy policy_;
    std::vector<wire::key_view> views_;
    std::vector<digest> digests_;
    std::vector<uint32_t> template_of_;
    std::vector<row_template> templates_;
};

}  // namespace
}  // namespace aero::bench

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: core_client ADDRESS PORT\n");
        return 2;
    }
    aero::bench::core_client client(argv[1], static_cast<uint16_t>(std::atoi(argv[2])));
    for (aero::bench::round what; aero::bench::read_round(what);) {
        if (what.op == "describe")
            aero::bench::describe(aero::wire::digest_lanes());
        else
            client.run(what);
    }
    return 0;
}
