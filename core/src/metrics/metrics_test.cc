#include "aero/metrics.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <sstream>
#include <thread>

#include "metrics/registry.h"

namespace aero::metrics {
namespace {

constexpr int64_t ms = 1'000'000;

// Every sample of the exposition: the text before the blank -> value.
std::map<std::string, double> samples() {
    std::map<std::string, double> found;
    std::istringstream text(exposition());
    for (std::string line; std::getline(text, line);) {
        if (line.starts_with('#')) continue;
        const size_t blank = line.rfind(' ');
        EXPECT_TRUE(found.emplace(line.substr(0, blank), std::stod(line.substr(blank + 1))).second)
            << "twice: " << line;
    }
    return found;
}

std::string operation_labels(const std::string& name, const std::string& ns, const std::string& set,
                             const std::string& kind = "") {
    return "db_system_name=\"aerospike\",db_namespace=\"" + ns + "\",db_collection_name=\"" + set +
           "\",db_operation_name=\"" + name + "\",error_type=\"" + kind + "\"";
}

double operation_count(const std::string& labels) {
    const auto all = samples();
    const auto found = all.find("db_client_operation_duration_seconds_count{" + labels + "}");
    return found == all.end() ? 0 : found->second;
}

stage_row row_of(const std::string& operation, stage which) {
    for (stage_row& row : stage_snapshot()) {
        if (row.operation == operation && row.which == which) return row;
    }
    return {.operation = "",
            .which = which,
            .count = 0,
            .sum_s = 0,
            .p50_s = 0,
            .p95_s = 0,
            .p99_s = 0,
            .bucket_counts = {}};
}

struct stages_switched_on {
    stages_switched_on() { stages_on = true; }
    ~stages_switched_on() { stages_on = false; }
};

TEST(metrics, both_histograms_are_announced_before_anything_was_counted) {
    const std::string text = exposition();
    for (const std::string metric : {"db_client_operation_duration_seconds", "db_client_internal_stage_seconds"}) {
        EXPECT_NE(text.find("# HELP " + metric + " "), std::string::npos);
        EXPECT_NE(text.find("# TYPE " + metric + " histogram\n"), std::string::npos);
    }
    EXPECT_TRUE(text.ends_with("\n# EOF\n"));
}

TEST(metrics, operation_lands_in_the_bucket_whose_bound_it_does_not_exceed) {
    observe_operation("bucket_op", "test", "s", "", ms);      // exactly the first bound
    observe_operation("bucket_op", "test", "s", "", ms + 1);  // just beyond it
    observe_operation("bucket_op", "test", "s", "", 3 * 10'000 * ms);
    const auto all = samples();
    const std::string labels = operation_labels("bucket_op", "test", "s");
    const auto bucket = [&](const std::string& le) {
        return all.at("db_client_operation_duration_seconds_bucket{" + labels + ",le=\"" + le + "\"}");
    };
    EXPECT_EQ(bucket("0.001"), 1);
    EXPECT_EQ(bucket("0.005"), 2);
    for (const auto* le : {"0.01", "0.05", "0.1", "0.5", "1", "5", "10"}) EXPECT_EQ(bucket(le), 2) << le;
    EXPECT_EQ(bucket("+Inf"), 3);
    EXPECT_EQ(all.at("db_client_operation_duration_seconds_count{" + labels + "}"), 3);
    EXPECT_DOUBLE_EQ(all.at("db_client_operation_duration_seconds_sum{" + labels + "}"), 30.002000001);
}

TEST(metrics, series_differ_in_each_of_their_labels) {
    observe_operation("label_op", "n1", "s1", "", ms);
    observe_operation("label_op", "n1", "s1", "Timeout", ms);
    observe_operation("label_op", "n1", "s2", "", ms);
    observe_operation("label_op", "n2", "s1", "", ms);
    observe_operation("label_op2", "n1", "s1", "", ms);
    for (const std::string& labels :
         {operation_labels("label_op", "n1", "s1"), operation_labels("label_op", "n1", "s1", "Timeout"),
          operation_labels("label_op", "n1", "s2"), operation_labels("label_op", "n2", "s1"),
          operation_labels("label_op2", "n1", "s1")}) {
        EXPECT_EQ(operation_count(labels), 1) << labels;
    }
}

TEST(metrics, equal_names_at_different_addresses_are_one_series) {
    static const char here[] = "twin_op";
    static const char there[] = "twin_op";
    observe_operation(here, "test", "s", "", ms);
    observe_operation(there, "test", "s", "", ms);
    EXPECT_EQ(operation_count(operation_labels("twin_op", "test", "s")), 2);
}

TEST(metrics, label_values_are_escaped_and_made_valid) {
    observe_operation("escape_op", "a\"b\\c\nd", "caf\xC3\xA9 \xFF\xC3", "", ms);
    EXPECT_EQ(operation_count(operation_labels("escape_op", "a\\\"b\\\\c\\nd", "caf\xC3\xA9 ??")), 1);
}

TEST(metrics, long_label_is_cut_between_characters) {
    std::string set(label_bytes_max - 1, 'x');
    observe_operation("cut_op", "test", set + "\xC3\xA9tail", "", ms);
    EXPECT_EQ(operation_count(operation_labels("cut_op", "test", set)), 1);
}

TEST(metrics, negative_duration_counts_as_zero) {
    observe_operation("negative_op", "test", "s", "", -5);
    const auto all = samples();
    EXPECT_EQ(all.at("db_client_operation_duration_seconds_sum{" + operation_labels("negative_op", "test", "s") + "}"),
              0);
}

TEST(metrics, nothing_is_counted_while_switched_off) {
    operations_on = false;
    observe_operation("off_op", "test", "s", "", ms);
    operations_on = true;
    observe_stage("off_op", stage::io, ms);  // stages are off unless asked for
    EXPECT_EQ(operation_count(operation_labels("off_op", "test", "s")), 0);
    EXPECT_EQ(row_of("off_op", stage::io).count, 0u);
}

TEST(metrics, stage_goes_into_its_bucket_and_its_sum) {
    const stages_switched_on on;
    observe_stage("stage_op", stage::io, 1'000);       // exactly 1 us
    observe_stage("stage_op", stage::io, 700'000);     // up to 1 ms
    observe_stage("stage_op", stage::io, 2'000 * ms);  // beyond the last bound
    const stage_row row = row_of("stage_op", stage::io);
    EXPECT_EQ(row.count, 3u);
    EXPECT_DOUBLE_EQ(row.sum_s, 2.000701);
    const std::vector<uint64_t> expected{1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3};
    EXPECT_EQ(row.bucket_counts, expected);
    EXPECT_EQ(stage_buckets_s().size() + 1, row.bucket_counts.size());
    EXPECT_DOUBLE_EQ(stage_buckets_s().front(), 1e-6);
    EXPECT_DOUBLE_EQ(stage_buckets_s().back(), 1);
    const auto all = samples();
    EXPECT_EQ(
        all.at("db_client_internal_stage_seconds_bucket{stage=\"io\",db_operation_name=\"stage_op\",le=\"0.000001\"}"),
        1);
    EXPECT_EQ(all.at("db_client_internal_stage_seconds_count{stage=\"io\",db_operation_name=\"stage_op\"}"), 3);
}

TEST(metrics, quantiles_are_within_five_percent) {
    const stages_switched_on on;
    for (int64_t i = 1; i <= 10'000; ++i) observe_stage("quantile_op", stage::to_dict, i * 137);
    const stage_row row = row_of("quantile_op", stage::to_dict);
    EXPECT_NEAR(row.p50_s, 5'000 * 137e-9, 0.05 * 5'000 * 137e-9);
    EXPECT_NEAR(row.p95_s, 9'500 * 137e-9, 0.05 * 9'500 * 137e-9);
    EXPECT_NEAR(row.p99_s, 9'900 * 137e-9, 0.05 * 9'900 * 137e-9);
}

TEST(metrics, reset_starts_the_rows_again_and_leaves_the_exposition_alone) {
    const stages_switched_on on;
    for (int i = 0; i < 10; ++i) observe_stage("reset_op", stage::key_parse, 5 * ms);
    reset_stages();
    EXPECT_EQ(row_of("reset_op", stage::key_parse).count, 0u);
    observe_stage("reset_op", stage::key_parse, 40'000);
    const stage_row row = row_of("reset_op", stage::key_parse);
    EXPECT_EQ(row.count, 1u);
    EXPECT_NEAR(row.p50_s, 40e-6, 2e-6);
    EXPECT_EQ(
        samples().at("db_client_internal_stage_seconds_count{stage=\"key_parse\",db_operation_name=\"reset_op\"}"), 11);
}

TEST(metrics, counts_of_threads_add_up_while_they_run_and_after_they_ended) {
    constexpr int threads = 8;
    constexpr int rounds = 20'000;
    const std::string labels = operation_labels("thread_op", "test", "s");
    const stages_switched_on on;
    {
        std::vector<std::jthread> running;
        for (int t = 0; t < threads; ++t) {
            running.emplace_back([t] {
                static constexpr std::array sets{"s", "s2", "s3", "s4"};
                for (int i = 0; i < rounds; ++i) {
                    observe_operation("thread_op", "test", sets[static_cast<size_t>(i + t) % sets.size()], "", i);
                    observe_stage("thread_op", stage::gil_wait, i);
                }
            });
        }
        double last = 0;
        for (int i = 0; i < 20; ++i) {
            const double now = operation_count(labels);
            EXPECT_GE(now, last);  // a counter never goes back
            last = now;
        }
    }
    EXPECT_EQ(operation_count(labels), threads * rounds / 4);
    EXPECT_EQ(row_of("thread_op", stage::gil_wait).count, static_cast<uint64_t>(threads * rounds));
}

TEST(metrics, shards_are_bounded_by_the_threads_that_live_at_once) {
    std::thread([] { observe_operation("warm_op", "test", "s", "", ms); }).join();
    const size_t before = registry::instance().snapshot().shards.size();
    for (int i = 0; i < 200; ++i) {
        std::thread([] { observe_operation("short_op", "test", "s", "", ms); }).join();
    }
    EXPECT_EQ(registry::instance().snapshot().shards.size(), before);
    EXPECT_EQ(operation_count(operation_labels("short_op", "test", "s")), 200);
}

TEST(metrics, counts_while_a_thread_is_ending_are_kept) {
    struct late {
        ~late() { observe_operation("late_op", "test", "s", "", ms); }
    };
    std::thread([] {
        static thread_local late first;  // made before the shard, so destroyed after it was given back
        static_cast<void>(&first);
        observe_operation("late_op", "test", "s", "", ms);
    }).join();
    EXPECT_EQ(operation_count(operation_labels("late_op", "test", "s")), 2);
}

TEST(metrics, every_line_is_a_comment_or_a_sample) {
    observe_operation("line_op", "test", "s", "", ms);
    std::istringstream text(exposition());
    for (std::string line; std::getline(text, line);) {
        if (line.starts_with("# ")) continue;
        EXPECT_TRUE(line.starts_with("db_client_")) << line;
        EXPECT_EQ(line[line.rfind(' ') - 1], '}') << line;  // labels, one blank, the value
        EXPECT_EQ(line.find_first_not_of("0123456789.", line.rfind(' ') + 1), std::string::npos) << line;
    }
}

TEST(metrics, names_that_share_a_slot_or_an_ending_stay_apart) {
    // More series than a thread remembers, of every length around the words that are compared at once.
    for (int round = 0; round < 3; ++round) {
        for (size_t length = 0; length < 40; ++length) {
            for (const char last : {'a', 'b', 'c', 'd', 'e'}) {
                std::string set(length, 'x');
                set += last;
                observe_operation("slot_op", "test", set, "", ms);
                observe_operation("slot_op", "test", std::string(1, last) + std::string(length, 'y'), "", ms);
            }
        }
    }
    size_t series_found = 0;
    for (const auto& [name, value] : samples()) {
        if (!name.starts_with("db_client_operation_duration_seconds_count{") || !name.contains("\"slot_op\"")) continue;
        ++series_found;
        EXPECT_EQ(value, name.contains("collection_name=\"a\"") || name.contains("collection_name=\"b\"") ||
                                 name.contains("collection_name=\"c\"") || name.contains("collection_name=\"d\"") ||
                                 name.contains("collection_name=\"e\"")
                             ? 6
                             : 3)
            << name;
    }
    EXPECT_EQ(series_found, 5u + 39 * 10);
}

// Uses up the series of a process, so it does so in one of its own. Gives the first expectation that fails, or "".
const char* fill_the_series() {
    const std::string other = operation_labels("other", "other", "other", "other");
    for (size_t i = 0; i < series_max + 50; ++i) {
        observe_operation("limit_op", "test", "set" + std::to_string(i), "", ms);
    }
    const double first = operation_count(other);
    if (first < 50) return "later series count as other";
    observe_operation("limit_op", "test", "one more", "", ms);
    if (operation_count(other) != first + 1) return "one more counts as other";
    if (operation_count(operation_labels("limit_op", "test", "set0")) != 1) return "earlier series are kept";
    if (registry::instance().snapshot().all_series.size() != series_max + 1) return "the number of series is bounded";
    return "";
}

TEST(metrics_death_test, series_beyond_the_limit_count_as_other) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            const std::string broken = fill_the_series();
            std::fprintf(stderr, "broken: '%s'", broken.c_str());
            std::_Exit(broken.empty() ? 0 : 1);
        },
        testing::ExitedWithCode(0), "broken: ''");
}

}  // namespace
}  // namespace aero::metrics
