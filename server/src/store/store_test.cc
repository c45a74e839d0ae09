#include "store/store.h"

#include <gtest/gtest.h>

#include "testing/ask.h"

namespace aero_server {
namespace {

using testing::key_in;

class StoreTest : public ::testing::Test {
  protected:
    void add(uint32_t number, std::string_view set, uint64_t updated_ms, uint32_t void_time = 0) {
        const auto key = key_in(number % 3, number);
        record_ptr made = make_record(key, 0, 10);
        std::memset(made->data(), 0, 10);
        made->last_update_ms = updated_ms;
        made->void_time = void_time;
        if (!set.empty()) made->set = held_.sets().find_or_make(set);
        partition& part = held_.at(aero::wire::partition_of(key));
        const std::lock_guard hold(part.lock);
        held_.put(part, std::move(made));
    }
    bool has(uint32_t number) {
        const auto key = key_in(number % 3, number);
        partition& part = held_.at(aero::wire::partition_of(key));
        const std::lock_guard hold(part.lock);
        return part.records.find(key) != nullptr;
    }

    server_clock clock_;
    store held_{"test", 0, clock_};
};

TEST_F(StoreTest, CountsObjectsOfEachSet) {
    add(1, "a", 5);
    add(2, "a", 5);
    add(2, "a", 6);
    add(3, "b", 5);
    add(4, "", 5);
    EXPECT_EQ(held_.sets().find("a")->objects, 2u);
    EXPECT_EQ(held_.sets().find("b")->objects, 1u);
    EXPECT_EQ(held_.sets().find("c"), nullptr);
    EXPECT_EQ(held_.sets().find("a")->data_bytes, 2 * (sizeof(record) + 10));
    held_.drop(2, key_in(2, 2));
    EXPECT_EQ(held_.sets().find("a")->objects, 1u);
}

TEST_F(StoreTest, TruncatingASetSparesOtherSetsAndWhatIsNewer) {
    add(1, "a", 100);
    add(2, "a", 200);
    add(3, "b", 100);
    held_.truncate("a", 200);
    EXPECT_FALSE(has(1));
    EXPECT_TRUE(has(2));
    EXPECT_TRUE(has(3));
    EXPECT_EQ(held_.sets().find("a")->objects, 1u);
}

TEST_F(StoreTest, TruncatingTheNamespaceTakesAllSets) {
    add(1, "a", 100);
    add(2, "", 100);
    add(3, "b", 300);
    held_.truncate("", 200);
    EXPECT_FALSE(has(1));
    EXPECT_FALSE(has(2));
    EXPECT_TRUE(has(3));
}

TEST_F(StoreTest, AnEarlierTruncationChangesNothing) {
    held_.truncate("a", 200);
    held_.truncate("a", 100);
    EXPECT_EQ(held_.sets().find("a")->truncated_before_ms, 200u);
}

TEST_F(StoreTest, RemovesWhatIsPastItsEnd) {
    add(1, "a", 1, clock_.now_s() - 1);
    add(2, "a", 1, clock_.now_s() + 1000);
    add(3, "a", 1, 0);
    held_.remove_expired();
    EXPECT_FALSE(has(1));
    EXPECT_TRUE(has(2));
    EXPECT_TRUE(has(3));
    EXPECT_EQ(held_.expired_count(), 1u);
    clock_.advance_ms(2'000'000);
    held_.remove_expired();
    EXPECT_FALSE(has(2));
    EXPECT_TRUE(has(3));
}

TEST_F(StoreTest, AbsorbsARecordWithItsSetByName) {
    server_clock other_clock;
    store other("test", 0, other_clock);
    record_ptr r = make_record(key_in(9), 3, 0);
    std::memcpy(r->data(), "\3ab", 3);
    r->generation = 7;
    r->set = other.sets().find_or_make("far");
    held_.absorb(9, *r);
    partition& part = held_.at(9);
    const std::lock_guard hold(part.lock);
    const record* copy = part.records.find(key_in(9));
    ASSERT_NE(copy, nullptr);
    EXPECT_EQ(copy->generation, 7);
    EXPECT_EQ(copy->set, held_.sets().find("far"));
    EXPECT_EQ(aero::as_text(copy->stored_key()), "\3ab");
}

TEST(SetTable, HoldsALimitedNumberOfSets) {
    set_table sets;
    for (size_t i = 0; i < sets_max; ++i) ASSERT_NE(sets.find_or_make("s" + std::to_string(i)), nullptr);
    EXPECT_EQ(sets.find_or_make("one too many"), nullptr);
    EXPECT_NE(sets.find_or_make("s17"), nullptr);
}

}  // namespace
}  // namespace aero_server
