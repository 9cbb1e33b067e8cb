import mitt from 'mitt';

type Events = { greeted: string };

const events = mitt<Events>();
events.on('greeted', name => console.log(`Hello, ${name}!`));
events.emit('greeted', 'reader');
