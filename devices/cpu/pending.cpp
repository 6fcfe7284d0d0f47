// Kernels on their way.
#include "tuco/core/error.h"
#include "tuco/devices/cpu/kernels.h"
namespace tuco::cpu {
#define TUCO_PENDING(Op) \
  void run(const op::Op& op, Inputs, Out, Workspace&) { fail<UnsupportedOp>("{}: pending", op.name); }
TUCO_PENDING(Conv2d)
TUCO_PENDING(Conv2dGradInput)
TUCO_PENDING(Conv2dGradWeight)
TUCO_PENDING(MaxPool2d)
TUCO_PENDING(MaxPool2dGrad)
TUCO_PENDING(AvgPool2d)
TUCO_PENDING(AvgPool2dGrad)
TUCO_PENDING(BatchNorm)
TUCO_PENDING(BatchNormTrain)
TUCO_PENDING(BatchNormTrainGrad)
TUCO_PENDING(BatchNormReluPool)
TUCO_PENDING(BatchNormReluPoolGrad)
TUCO_PENDING(Softmax)
TUCO_PENDING(LogSoftmax)
TUCO_PENDING(SoftmaxGrad)
TUCO_PENDING(LogSoftmaxGrad)
}  // namespace tuco::cpu
