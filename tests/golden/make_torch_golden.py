#!/usr/bin/env python3
"""Freezes what PyTorch computes, as safetensors files beside this script.

The tests of layers, losses, optimizers and schedules compare with them, so that they need neither
Python nor PyTorch. Run it again only to add cases: the inputs come from fixed seeds.

    tests/golden/make_torch_golden.py [--venv FOLDER]

It makes a virtual environment of its own, outside the repository, unless FOLDER has one already.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"))


def enter_environment():
    parser = argparse.ArgumentParser()
    parser.add_argument("--venv", type=pathlib.Path, default=CACHE / "tuco" / "golden-venv")
    folder = parser.parse_args().venv.absolute()
    python = folder / "bin" / "python"
    if pathlib.Path(sys.prefix) == folder:
        return
    if not python.exists():
        venv.create(folder, with_pip=True)
        packages = ["torch==2.13.0", "safetensors", "numpy", "packaging"]
        subprocess.check_call([python, "-m", "pip", "install", "-q", *packages])
    os.execv(python, [str(python), *sys.argv])


def save(name, tensors, metadata=None):
    from safetensors.torch import save_file

    tensors = {key: value.detach().clone().contiguous() for key, value in tensors.items()}
    save_file(tensors, HERE / f"{name}.safetensors", metadata)
    print(f"{name}: {len(tensors)} tensors")


def optimizers(torch):
    """Weights after each of six steps with given gradients."""
    generator = torch.Generator().manual_seed(1)
    start = torch.randn(3, 4, generator=generator, dtype=torch.float64)
    gradients = [torch.randn(3, 4, generator=generator, dtype=torch.float64) for _ in range(6)]
    out = {"start": start, "gradients": torch.stack(gradients)}
    makers = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
        "sgd_momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.05),
        "sgd_nesterov": lambda p: torch.optim.SGD(
            p, lr=0.1, momentum=0.9, weight_decay=0.05, nesterov=True),
        "adamw": lambda p: torch.optim.AdamW(p, lr=0.02, betas=(0.8, 0.95), weight_decay=0.1),
    }
    for name, make in makers.items():
        weight = start.clone().requires_grad_()
        optimizer = make([weight])
        steps = []
        for gradient in gradients:
            weight.grad = gradient.clone()
            optimizer.step()
            steps.append(weight.detach().clone())
        out[name] = torch.stack(steps)

    weights = [start.clone().requires_grad_(), start[0].clone().requires_grad_()]
    weights[0].grad, weights[1].grad = gradients[0].clone(), gradients[1][0].clone()
    norm = torch.nn.utils.clip_grad_norm_(weights, 1.5)
    out |= {"clip.norm": norm, "clip.0": weights[0].grad, "clip.1": weights[1].grad}

    def one_cycle(total, **settings):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1, momentum=0.9)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, total_steps=total, cycle_momentum=False, **settings)
        rates = []
        for step in range(total):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if step + 1 < total:
                schedule.step()
        return torch.tensor(rates, dtype=torch.float64)

    out["one_cycle.20"] = one_cycle(20, max_lr=0.06)
    out["one_cycle.33"] = one_cycle(33, max_lr=2, pct_start=0.17, div_factor=10,
                                    final_div_factor=50)
    save("optimizers", out)


def losses(torch):
    generator = torch.Generator().manual_seed(2)
    logits = 3 * torch.randn(6, 5, generator=generator, dtype=torch.float64)
    labels = torch.randint(5, (6,), generator=generator)
    soft = torch.softmax(torch.randn(6, 5, generator=generator, dtype=torch.float64), 1)
    target = torch.randn(6, 5, generator=generator, dtype=torch.float64)
    out = {"logits": logits, "labels": labels, "soft": soft, "target": target}

    def add(name, loss):
        x = logits.clone().requires_grad_()
        value = loss(x)
        value.backward()
        out.update({name: value, name + ".grad": x.grad})

    functional = torch.nn.functional
    for smoothing in (0.0, 0.1):
        add(f"labels.{smoothing}",
            lambda x: functional.cross_entropy(x, labels, label_smoothing=smoothing))
        add(f"soft.{smoothing}",
            lambda x: functional.cross_entropy(x, soft, label_smoothing=smoothing))
    add("mse", lambda x: functional.mse_loss(x, target))
    save("losses", out)


def training(torch):
    """A small network before and after six steps; the tests repeat them from the first state."""
    torch.manual_seed(3)
    nn = torch.nn
    net = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 8, (3, 2), stride=(2, 1), groups=2), nn.BatchNorm2d(8), nn.ReLU(),
        nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(8, 4)).double()
    images = torch.randn(6, 4, 9, 8, 3, dtype=torch.float64)  # steps, batch, height, width, channels
    labels = torch.randint(4, (6, 4))

    def state():
        return {k: v.clone() for k, v in net.state_dict().items() if "num_batches" not in k}

    def rename(entries):  # ours is shorter: the pooling flattens
        return {key.replace("9.", "8.", 1) if key.startswith("9.") else key: value
                for key, value in entries.items()}

    save("network_before", rename(state()), {"tuco.layout": "OIHW"})
    optimizer = torch.optim.SGD(net.parameters(), lr=1, momentum=0.9, nesterov=True,
                                weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=7,
                                                   cycle_momentum=False)
    values = []
    for x, y in zip(images, labels):
        loss = nn.functional.cross_entropy(net(x.permute(0, 3, 1, 2)), y, label_smoothing=0.05)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        values.append(loss.detach())
    save("network_after", rename(state()), {"tuco.layout": "OIHW"})
    net.eval()
    logits = net(images[0].permute(0, 3, 1, 2))
    save("network_run", {"images": images, "labels": labels, "losses": torch.stack(values),
                         "logits": logits})


def main():
    enter_environment()
    import torch

    torch.set_num_threads(1)
    optimizers(torch)
    losses(torch)
    training(torch)


if __name__ == "__main__":
    main()
