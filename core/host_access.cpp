#include "tuco/core/host_access.h"

namespace tuco {
namespace {

thread_local bool forbidden = false;

}  // namespace

ForbidHostAccess::ForbidHostAccess() : before_(forbidden) { forbidden = true; }
ForbidHostAccess::~ForbidHostAccess() { forbidden = before_; }
bool ForbidHostAccess::active() { return forbidden; }

}  // namespace tuco
