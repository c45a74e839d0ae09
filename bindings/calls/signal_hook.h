// Asks Python's signal handlers while a call waits without the GIL; an exception of theirs abandons the call and stays
// set.
#pragma once

#include "aero/client.h"
#include "calls/attach.h"

namespace aero::py {

class signal_hook final : public interrupt_hook {
  public:
    explicit signal_hook(gil_detached& detached) noexcept : detached_(detached) {}
    bool interrupted() noexcept override {
        detached_.come_back();
        raised_ = PyErr_CheckSignals() != 0;
        detached_.leave_again();
        return raised_;
    }
    bool raised() const noexcept { return raised_; }

  private:
    gil_detached& detached_;
    bool raised_ = false;
};

}  // namespace aero::py
