//! Concurrent misses: one request to a backend, and what happens when it goes wrong.

use super::*;

async fn lead(bench: &Bench, asked: &RequestHead) -> Fetch {
    match bench.cache.ask(asked, clock::now()).await {
        Answer::Fetch(fetch) => fetch,
        other => panic!("{other:?}"),
    }
}

fn follow(bench: &Bench, asked: &RequestHead) -> tokio::task::JoinHandle<Answer> {
    let (cache, asked) = (Arc::clone(&bench.cache), asked.clone());
    tokio::spawn(async move { cache.ask(&asked, clock::now()).await })
}

/// Lets spawned tasks run until they wait for the leader.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

async fn end(handle: tokio::task::JoinHandle<Answer>) -> Answer {
    tokio::time::timeout(PATIENCE, handle).await.expect("the follower waits for ever").unwrap()
}

async fn receive(fetch: Fetch, asked: &RequestHead, fields: &[(&str, &str)], length: Option<u64>) -> Forward {
    let mut response = ResponseHead::new(200);
    response.fields = fields.iter().copied().collect();
    let now = clock::now();
    match fetch.receive(asked, &response, length, times(now)).await {
        Received::Forward(forward) => forward,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn followers_get_the_response_of_the_leader() {
    let bench = bench(60);
    let asked = get("/x", &[]);
    let fetch = lead(&bench, &asked).await;
    let followers = [follow(&bench, &asked), follow(&bench, &asked), follow(&bench, &asked)];
    settle().await;
    assert_eq!(bench.cache.statistics().flights, 1);
    let mut writer = receive(fetch, &asked, &[], Some(4)).await.writer.unwrap();
    assert!(writer.has_followers());
    writer.write(b"body").await;
    writer.commit().await;
    for follower in followers {
        let Answer::Reply(reply) = end(follower).await else { panic!("asked for itself") };
        let seen = seen(&reply, None);
        assert_eq!((seen.cache_status(), &seen.body[..]), ("pibl; fwd=uri-miss; collapsed", &b"body"[..]));
    }
    assert_eq!(bench.cache.statistics().flights, 0);
}

#[tokio::test]
async fn a_follower_reads_along_while_the_leader_still_receives() {
    let bench = bench(60);
    let asked = get("/x", &[]);
    let fetch = lead(&bench, &asked).await;
    let follower = follow(&bench, &asked);
    settle().await;
    let mut writer = receive(fetch, &asked, &[], None).await.writer.unwrap();
    writer.write(b"one").await;
    let Answer::Stream(mut stream) = end(follower).await else { panic!("does not read along") };
    let mut body = Vec::new();
    body.extend(stream.next().await.unwrap().unwrap().read().unwrap());
    assert_eq!((stream.status_code, &body[..], stream.length()), (200, &b"one"[..], None));
    // Somebody who comes in the middle reads from the start.
    let Answer::Stream(mut late) = end(follow(&bench, &asked)).await else { panic!("does not read along") };
    writer.write(b", two").await;
    writer.commit().await;
    body.extend(stream.next().await.unwrap().unwrap().read().unwrap());
    assert!(stream.next().await.unwrap().is_none());
    let mut whole = Vec::new();
    while let Some(part) = late.next().await.unwrap() {
        whole.extend(part.read().unwrap());
    }
    assert_eq!((&body[..], &whole[..]), (&b"one, two"[..], &b"one, two"[..]));
    assert!(matches!(bench.cache.ask(&asked, clock::now()).await, Answer::Reply(_)));
}

#[tokio::test]
async fn the_death_of_a_leader_makes_one_follower_lead() {
    let bench = bench(60);
    let asked = get("/x", &[]);
    let fetch = lead(&bench, &asked).await;
    let followers = [follow(&bench, &asked), follow(&bench, &asked)];
    settle().await;
    drop(fetch);
    let [one, two] = followers;
    let (mut one, mut two) = (Box::pin(end(one)), Box::pin(end(two)));
    // Either may be the one.
    let (first, second) = tokio::select! {
        answer = &mut one => (answer, two),
        answer = &mut two => (answer, one),
    };
    let Answer::Fetch(fetch) = first else { panic!("nobody leads") };
    let mut writer = receive(fetch, &asked, &[], Some(1)).await.writer.unwrap();
    writer.write(b"x").await;
    writer.commit().await;
    assert!(matches!(second.await, Answer::Reply(_)));
}

#[tokio::test]
async fn a_leader_that_dies_in_the_middle_ends_the_streams_of_its_followers() {
    let bench = bench(60);
    let asked = get("/x", &[]);
    let fetch = lead(&bench, &asked).await;
    let mut writer = receive(fetch, &asked, &[], Some(10)).await.writer.unwrap();
    writer.write(b"half").await;
    let Answer::Stream(mut stream) = end(follow(&bench, &asked)).await else { panic!("does not read along") };
    assert!(stream.next().await.unwrap().is_some());
    drop(writer);
    assert!(stream.next().await.is_err());
    assert!(matches!(bench.cache.ask(&asked, clock::now()).await, Answer::Fetch(_)));
    bench.until("what was half written is gone", || bench.files().is_empty()).await;
}

#[tokio::test]
async fn an_answer_that_is_not_for_sharing_lets_everybody_go_at_once() {
    let bench = bench(60);
    let asked = get("/x", &[]);
    let fetch = lead(&bench, &asked).await;
    let followers: Vec<_> = (0..3).map(|_| follow(&bench, &asked)).collect();
    settle().await;
    let forward = receive(fetch, &asked, &[("Cache-Control", "no-store")], Some(4)).await;
    assert!(forward.writer.is_none());
    let mut fetches = Vec::new();
    for follower in followers {
        let Answer::Fetch(fetch) = end(follower).await else { panic!("got what is not for sharing") };
        fetches.push(fetch);
    }
    // All three are on their way at the same time, and so is everybody who comes now.
    fetches.push(lead(&bench, &asked).await);
    assert_eq!((fetches.len(), bench.cache.statistics().flights), (4, 0));
}

#[tokio::test]
async fn a_follower_with_other_varying_fields_asks_for_itself() {
    let bench = bench(60);
    let (one, two) = (get("/x", &[("Foo", "1")]), get("/x", &[("Foo", "2")]));
    let fetch = lead(&bench, &one).await;
    let follower = follow(&bench, &two);
    settle().await;
    let mut writer = receive(fetch, &one, &[("Vary", "Foo")], Some(1)).await.writer.unwrap();
    writer.write(b"1").await;
    writer.commit().await;
    assert!(matches!(end(follower).await, Answer::Fetch(_)));
}

#[tokio::test]
async fn when_no_backend_answers_nobody_waits_for_the_failures_of_others() {
    let bench = bench(60);
    let asked = get("/x", &[]);
    let fetch = lead(&bench, &asked).await;
    let followers = [follow(&bench, &asked), follow(&bench, &asked)];
    settle().await;
    assert!(fetch.failed(&asked, clock::now()).is_none());
    for follower in followers {
        assert!(matches!(end(follower).await, Answer::Fetch(_)));
    }
}

#[test]
fn a_stampede_from_eight_threads_makes_one_backend_request() {
    let bench = bench(60);
    let asked = get("/x", &[]);
    let backend_requests = std::sync::atomic::AtomicUsize::new(0);
    let barrier = std::sync::Barrier::new(8);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                barrier.wait();
                let body = runtime.block_on(async {
                    match bench.cache.ask(&asked, clock::now()).await {
                        Answer::Reply(reply) => seen(&reply, None).body,
                        Answer::Stream(mut stream) => {
                            let mut body = Vec::new();
                            while let Some(part) = stream.next().await.unwrap() {
                                body.extend(part.read().unwrap());
                            }
                            body
                        }
                        Answer::Fetch(fetch) => {
                            backend_requests.fetch_add(1, Ordering::Relaxed);
                            let mut writer = receive(fetch, &asked, &[], None).await.writer.unwrap();
                            for piece in [&b"a stampede"[..], b" of ", b"buffaloes"] {
                                writer.write(piece).await;
                                tokio::time::sleep(Duration::from_millis(2)).await;
                            }
                            writer.commit().await;
                            b"a stampede of buffaloes".to_vec()
                        }
                        other => panic!("{other:?}"),
                    }
                });
                assert_eq!(body, b"a stampede of buffaloes");
            });
        }
    });
    assert_eq!(backend_requests.into_inner(), 1);
}
