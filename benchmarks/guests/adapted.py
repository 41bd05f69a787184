"""What is refused as it is, and runs once a class of a few lines says what it needs."""

import pytorch_optimizer
import torch


class SAM(pytorch_optimizer.SAM):
    """It wants another optimizer, and the gradient before its step."""

    gradient_first, asks, decay = True, "more", "coupled"

    def __init__(self, params, lr=0.1, rho=0.05, weight_decay=0.0):
        super().__init__(params, torch.optim.SGD, rho=rho, lr=lr, weight_decay=weight_decay)


class FriendlySAM(pytorch_optimizer.FriendlySAM):
    """As SAM."""

    gradient_first, asks, decay = True, "more", "coupled"

    def __init__(self, params, lr=0.1, rho=0.05, weight_decay=0.0):
        super().__init__(params, torch.optim.SGD, rho=rho, lr=lr, weight_decay=weight_decay)


class Ranger21(pytorch_optimizer.Ranger21):
    """It has a schedule of its own, and wants to know for how many steps."""

    defaults = {"num_iterations": 1000, "disable_lr_scheduler": True, "norm_loss_factor": 0.0}


class Lookahead(pytorch_optimizer.Lookahead):
    """It goes around another optimizer."""

    def __init__(self, params, lr=0.05, k=5, alpha=0.5):
        super().__init__(torch.optim.SGD(params, lr=lr), k=k, alpha=alpha)


class Adafactor(torch.optim.Adafactor):
    """It factorizes matrices; a convolution is one here."""

    form, decay = "layers", "decoupled"
    defaults = {"lr": 0.08}


class Muon(torch.optim.Muon):
    """It takes matrices alone; the biases are left to AdamW."""

    form, decay = "layers", "decoupled"

    def __init__(self, params, lr=0.008, momentum=0.95, adamw_lr=2e-3, weight_decay=0.0):
        params = list(params)
        self.ratio = adamw_lr / lr
        matrices = [p for p in params if p.dim() > 1]
        super().__init__(matrices, lr=lr, momentum=momentum, weight_decay=weight_decay)
        self.biases = torch.optim.AdamW(
            [p for p in params if p.dim() == 1], lr=adamw_lr, weight_decay=0.0
        )

    @torch.no_grad()
    def step(self, closure):
        loss = closure()
        super().step()
        for group in self.biases.param_groups:  # schedules change our own rate
            group["lr"] = self.ratio * self.param_groups[0]["lr"]
        self.biases.step()
        return loss


class PytorchOptimizerMuon(pytorch_optimizer.Muon):
    """It wants to be told which parameters are matrices; the others go to AdamW inside of it."""

    form = "layers"

    def __init__(self, params, lr=0.008, momentum=0.95, adamw_lr=2e-3, weight_decay=0.0):
        params = list(params)
        groups = [
            {"params": [p for p in params if (p.dim() > 1) == matrices], "use_muon": matrices}
            for matrices in (True, False)
        ]
        super().__init__(groups, lr=lr, momentum=momentum, adamw_lr=adamw_lr,
                         weight_decay=weight_decay)  # fmt: skip
