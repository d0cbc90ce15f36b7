//! Six bodies under gravity for `size` steps. 64-bit floats, square roots and divisions.

fn main() {
    println!("{:016x}", run(argument()));
}

fn argument() -> u64 {
    std::env::args().nth(1).and_then(|text| text.parse().ok()).expect("usage: nbody SIZE")
}

#[derive(Clone, Copy)]
struct Body {
    place: [f64; 3],
    speed: [f64; 3],
    mass: f64,
}

const BODIES: usize = 6;
const STEP: f64 = 1.0 / 512.0;

fn run(size: u64) -> u64 {
    let mut bodies = system();
    for _ in 0..size {
        advance(&mut bodies);
    }
    energy(&bodies).to_bits()
}

/// One heavy body, and light ones on about circular orbits around it.
fn system() -> [Body; BODIES] {
    let rest = Body { place: [0.0; 3], speed: [0.0; 3], mass: 40.0 };
    let mut bodies = [rest; BODIES];
    for (number, body) in bodies.iter_mut().enumerate().skip(1) {
        let distance = number as f64 * 3.0;
        let speed = (40.0 / distance).sqrt();
        let side = if number % 2 == 0 { 1.0 } else { -1.0 };
        body.place = [distance * side, 0.25 * side, 0.125 * number as f64];
        body.speed = [0.0, speed * side, 0.0625 * side];
        body.mass = 1.0 / 1024.0 * number as f64;
    }
    bodies
}

fn advance(bodies: &mut [Body; BODIES]) {
    for first in 0..BODIES {
        for second in first + 1..BODIES {
            let (apart, squared) = distance(&bodies[first], &bodies[second]);
            let pull = STEP / (squared * squared.sqrt());
            let (mass_first, mass_second) = (bodies[first].mass, bodies[second].mass);
            for axis in 0..3 {
                bodies[first].speed[axis] -= apart[axis] * mass_second * pull;
                bodies[second].speed[axis] += apart[axis] * mass_first * pull;
            }
        }
    }
    for body in bodies {
        for axis in 0..3 {
            body.place[axis] += STEP * body.speed[axis];
        }
    }
}

fn distance(first: &Body, second: &Body) -> ([f64; 3], f64) {
    let mut apart = [0.0; 3];
    let mut squared = 0.0;
    for axis in 0..3 {
        apart[axis] = first.place[axis] - second.place[axis];
        squared += apart[axis] * apart[axis];
    }
    (apart, squared)
}

fn energy(bodies: &[Body; BODIES]) -> f64 {
    let mut sum = 0.0;
    for (number, body) in bodies.iter().enumerate() {
        let squared: f64 = body.speed.iter().map(|speed| speed * speed).sum();
        sum += 0.5 * body.mass * squared;
        for other in &bodies[number + 1..] {
            sum -= body.mass * other.mass / distance(body, other).1.sqrt();
        }
    }
    sum
}
