#ifndef LOKISHIP_SHIP_SPOOL_HPP
#define LOKISHIP_SHIP_SPOOL_HPP

#include <lokiship/aoss/step_key.hpp>
#include <lokiship/loki/entry.hpp>
#include <lokiship/loki/labels.hpp>
#include <lokiship/ship/detail/require.hpp>
#include <lokiship/ship/detail/spool_merge.hpp>
#include <lokiship/ship/detail/temporary_file.hpp>

#include <boost/assert.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace lokiship::ship {

struct spool_options {
    /// Where the temporary files are made; empty: where the environment's `TMPDIR` says, else `/var/tmp`, since `/tmp` may
    /// lie in memory.
    std::string directory{};
    /// How many bytes wait in memory until they are written. At least 64 KiB, below 2 GiB; the longest line must fit.
    std::size_t memory = 8 * 1024 * 1024;
    /// All streams are one order, by time.
    bool one_order = false;
};

/// An entry as it lies in a spool.
struct spooled_entry {
    loki::entry entry;
    aoss::step_key key;
    /// Which of `spool::streams` it belongs to.
    std::uint32_t stream = 0;
};

/// What a spool knows of a stream.
struct spooled_stream {
    loki::labels labels;
    std::uint64_t entries = 0;
    /// Of all lines, and of the longest.
    std::uint64_t bytes = 0;
    std::size_t longest_line = 0;
    timestamp oldest{}, newest{};
};

/// Holds any number of entries on disk and gives them back by stream, each stream oldest first: they come newest
/// first and must go the other way round.
///
/// An external merge sort: what fills the memory is sorted and becomes a run in a temporary file without a name, and
/// runs that are many are merged. Entries of one time are ordered by execution, and those of one execution as they
/// came: the order does not depend on when they were read. Memory: `spool_options::memory`, about 200 bytes and its labels a
/// stream, and 64 bytes for each stream in each run, of which there are at most a few dozen.
///
/// What the disk refuses throws `system_error`, whose text names the folder; the spool is useless then. Not
/// thread-safe.
class spool {
public:
    explicit spool(spool_options options = {})
        : options_(std::move(options)) {
        detail::require(options_.memory >= 64 * 1024 && options_.memory < std::size_t{1} << 31,
                        "spool.memory must be from 64 KiB to 2 GiB");
        if (options_.directory.empty()) {
            const char* const named = std::getenv("TMPDIR");
            options_.directory = named && *named ? named : "/var/tmp";
        }
    }
    spool(const spool&) = delete;
    spool& operator=(const spool&) = delete;

    /// Precondition: `finish` was not called.
    void add(const loki::labels& labels, timestamp time, std::string_view line, const aoss::step_key& key) {
        BOOST_ASSERT(!finished_);
        const std::uint32_t number = intern(labels);
        count(streams_[number], time, line.size());
        detail::spool_header h{};
        h.time = text::to_unix_nanoseconds(time);
        h.execution_high = key.execution_high;
        h.execution_low = key.execution_low;
        h.step = key.step;
        h.content = key.content;
        h.stream = number;
        h.size = static_cast<std::uint32_t>(line.size());
        const std::size_t size = sizeof h + line.size();
        if (used_ + size + (items_.size() + 1) * sizeof(item) > options_.memory)
            write_run();
        if (size + sizeof(item) > options_.memory)
            throw boost::system::system_error(make_error_code(errc::page_field_too_long),
                                              "a line of " + std::to_string(line.size()) +
                                                  " bytes is larger than the spool's memory");
        if (!memory_)
            memory_ = std::make_unique_for_overwrite<char[]>(options_.memory);
        std::memcpy(memory_.get() + used_, &h, sizeof h);
        std::memcpy(memory_.get() + used_ + sizeof h, line.data(), line.size());
        items_.push_back({options_.one_order ? 0 : number, static_cast<std::uint32_t>(used_), h.time});
        used_ += size;
    }

    /// Call it after the last `add` and before reading.
    void finish() {
        if (finished_)
            return;
        write_run();
        memory_.reset();
        std::vector<item>().swap(items_);
        numbers_ = {};
        finished_ = true;
    }

    const std::vector<spooled_stream>& streams() const noexcept { return streams_; }
    /// How many bytes lie on disk.
    std::uint64_t size() const noexcept {
        std::uint64_t n = 0;
        for (const auto& r : runs_)
            n += r.file->size();
        return n;
    }
    std::size_t runs() const noexcept { return runs_.size(); }

    /// Goes through one stream, oldest first. The spool must outlive it.
    class cursor {
    public:
        /// False at the end. Throws `system_error` where the disk cannot be read.
        bool next(spooled_entry& out) {
            const std::string_view record = merge_.record();
            if (record.empty())
                return false;
            detail::spool_header h;
            std::memcpy(&h, record.data(), sizeof h);
            out.entry.time = text::from_unix_nanoseconds(h.time);
            out.entry.line.assign(record.substr(sizeof h));
            out.key = {h.execution_high, h.execution_low, h.step, h.content};
            out.stream = h.stream;
            merge_.pop();
            ++position_;
            return true;
        }
        /// How many were read.
        std::uint64_t position() const noexcept { return position_; }
        /// Gives the buffers back; the next `next` reads anew.
        void release() { merge_.release(); }

    private:
        friend class spool;
        explicit cursor(const std::vector<detail::spool_extent>& extents)
            : merge_(extents) {}

        detail::spool_merge merge_;
        std::uint64_t position_ = 0;
    };

    /// Precondition: `finish` was called. With `one_order`, `stream` is 0 and stands for all.
    cursor read(std::uint32_t stream) const {
        BOOST_ASSERT(finished_);
        return cursor(extents(stream, 0));
    }

private:
    struct item {
        std::uint32_t group, offset;
        std::int64_t time;
    };
    /// Where a group lies in its run's file; it ends where the next one begins.
    struct place {
        std::uint32_t group;
        std::uint64_t begin;
        std::int64_t first_time;
    };
    struct run {
        std::unique_ptr<detail::temporary_file> file;
        /// Ascending; ends with one beyond the last.
        std::vector<place> places;
        unsigned level = 0;
    };
    /// Writes a run's file through a buffer.
    class run_writer {
    public:
        explicit run_writer(const std::string& directory) {
            run_.file = std::make_unique<detail::temporary_file>(directory);
            buffer_.reserve(capacity);
        }
        void add(std::uint32_t group, std::int64_t time, std::string_view record) {
            if (run_.places.empty() || run_.places.back().group != group)
                run_.places.push_back({group, run_.file->size() + buffer_.size(), time});
            if (buffer_.size() + record.size() > capacity)
                flush();
            if (record.size() > capacity)
                run_.file->append(record.data(), record.size());
            else
                buffer_.append(record);
        }
        run finish(unsigned level) {
            flush();
            run_.places.push_back({std::numeric_limits<std::uint32_t>::max(), run_.file->size(), 0});
            run_.places.shrink_to_fit();
            run_.level = level;
            return std::move(run_);
        }

    private:
        static constexpr std::size_t capacity = 256 * 1024;
        void flush() {
            run_.file->append(buffer_.data(), buffer_.size());
            buffer_.clear();
        }
        run run_;
        std::string buffer_;
    };

    std::uint32_t intern(const loki::labels& labels) {
        // The steps of an execution are mostly of one stream.
        if (last_ < streams_.size() && streams_[last_].labels == labels)
            return last_;
        const auto [at, added] = numbers_.emplace(labels, static_cast<std::uint32_t>(streams_.size()));
        if (added)
            streams_.push_back({labels});
        return last_ = at->second;
    }
    static void count(spooled_stream& s, timestamp time, std::size_t size) {
        if (s.entries == 0)
            s.oldest = s.newest = time;
        s.oldest = std::min(s.oldest, time);
        s.newest = std::max(s.newest, time);
        ++s.entries;
        s.bytes += size;
        s.longest_line = std::max(s.longest_line, size);
    }

    void write_run() {
        if (items_.empty())
            return;
        const auto header = [this](const item& i) {
            detail::spool_header h;
            std::memcpy(&h, memory_.get() + i.offset, sizeof h);
            return h;
        };
        std::sort(items_.begin(), items_.end(), [&](const item& a, const item& b) {
            if (a.group != b.group)
                return a.group < b.group;
            if (a.time != b.time)
                return a.time < b.time;
            const auto left = header(a), right = header(b);
            return left.rank() != right.rank() ? left.rank() < right.rank() : a.offset < b.offset;
        });
        run_writer out(options_.directory);
        for (const item& i : items_)
            out.add(i.group, i.time,
                    {memory_.get() + i.offset, sizeof(detail::spool_header) + header(i).size});
        runs_.push_back(out.finish(0));
        items_.clear();
        used_ = 0;
        compact();
    }

    /// Merges the last runs, where so many are alike, into one of the next level.
    void compact() {
        for (;;) {
            const unsigned level = runs_.back().level;
            std::size_t first = runs_.size(), places = 0;
            while (first != 0 && runs_[first - 1].level == level)
                places += runs_[--first].places.size();
            const std::size_t alike = runs_.size() - first;
            if (alike < 2 || (alike < fan_in && places < max_places))
                return;
            run merged = merge(first);
            merged.level = level + 1;
            runs_.resize(first);
            runs_.push_back(std::move(merged));
        }
    }
    run merge(std::size_t first) {
        std::vector<std::uint32_t> groups;
        for (std::size_t r = first; r != runs_.size(); ++r)
            for (std::size_t i = 0; i + 1 < runs_[r].places.size(); ++i)
                groups.push_back(runs_[r].places[i].group);
        std::sort(groups.begin(), groups.end());
        groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
        run_writer out(options_.directory);
        for (const auto group : groups) {
            detail::spool_merge records(extents(group, first));
            for (;;) {
                const std::string_view record = records.record();
                if (record.empty())
                    break;
                detail::spool_header h;
                std::memcpy(&h, record.data(), sizeof h);
                out.add(group, h.time, record);
                records.pop();
            }
        }
        return out.finish(0);
    }

    std::vector<detail::spool_extent> extents(std::uint32_t group, std::size_t first_run) const {
        std::vector<detail::spool_extent> out;
        for (std::size_t r = first_run; r != runs_.size(); ++r) {
            const auto& places = runs_[r].places;
            const auto at = std::lower_bound(places.begin(), places.end(), group,
                                             [](const place& p, std::uint32_t g) { return p.group < g; });
            if (at != places.end() && at->group == group && at + 1 != places.end())
                out.push_back({runs_[r].file.get(), at->begin, (at + 1)->begin, at->first_time});
        }
        return out;
    }

    static constexpr std::size_t fan_in = 32;
    static constexpr std::size_t max_places = 100'000;

    spool_options options_;
    std::vector<spooled_stream> streams_;
    boost::unordered_flat_map<loki::labels, std::uint32_t> numbers_;
    std::uint32_t last_ = 0;
    std::unique_ptr<char[]> memory_;
    std::size_t used_ = 0;
    std::vector<item> items_;
    std::vector<run> runs_;
    bool finished_ = false;
};

} // namespace lokiship::ship

#endif
