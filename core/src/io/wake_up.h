// Wakes a thread that waits for descriptors. `signal` may be called from any thread and from signal handlers; the rest
// belongs to the one that waits.
#pragma once

namespace aero::io {

class wake_up {
  public:
    wake_up();
    ~wake_up();
    wake_up(const wake_up&) = delete;
    wake_up& operator=(const wake_up&) = delete;

    bool ok() const noexcept { return read_fd_ >= 0; }
    int fd() const noexcept { return read_fd_; }  // readable after `signal` until `clear`
    void signal() noexcept;
    void clear() noexcept;
    void close() noexcept;  // in a forked child: what the parent still uses stays as it is

  private:
    int read_fd_ = -1;
    int write_fd_ = -1;  // the same as read_fd_ where an eventfd serves
};

}  // namespace aero::io
